"""Predictions of lesson 00."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "what changed": Question(
        "The two MS images are some months apart. What will have changed most?",
        ("fields", "the village", "the river", "the trees"),
        "fields",
        "They are sown, harvested and ploughed; the map of changes below shows it. Some land was "
        "flooded and some built over, but on a smaller area.",
    ),
    "where it errs": Question(
        "Where will the fused curve (solid, t2) leave the truth (dotted, black)?",
        ("in the visible, where the MS has bands", "beyond 1000 nm", "everywhere alike"),
        "beyond 1000 nm",
        "In the visible the MS measured at t2. Beyond 1000 nm nobody did; the curve there is "
        "inferred, and most so where the ground became something else.",
    ),
}

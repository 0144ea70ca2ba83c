"""Predictions of lesson 04b."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "line": Question(
        "In every small window the SWIR band is replaced by the straight line from M1. Is that "
        "nearer to the truth?",
        ("in every window", "in some windows", "in none"),
        "in some windows",
        "Where both show the same edge the line makes it sharp. Where the band has a pattern of "
        "its own, the line wipes it out, or invents one.",
    ),
    "weights": Question(
        "How many weights has one SEU?",
        ("a hundred", "some thousands", "some millions"),
        "some thousands",
        "They serve every map, every pixel and every scene, so few suffice.",
    ),
    "ploughed": Question(
        "Between the two overpasses a field was ploughed: Y1 shows it as it was, M1 as it is. What "
        "weight should the ECU give Y1's residual there?",
        ("a large one", "a small one", "the same as elsewhere"),
        "a small one",
        "The residual tells of another day. A plain projection would carry all of it into X1.",
    ),
    "physics": Question(
        "Where will it cost most to have no ECU?",
        ("where the model is exact", "where the model is wrong", "it costs the same"),
        "where the model is wrong",
        "There the residual of Y1 misleads, and somebody has to doubt it. The table says by how "
        "much.",
    ),
}

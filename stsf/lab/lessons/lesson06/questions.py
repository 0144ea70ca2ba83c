"""Predictions of lesson 06."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "keep or ask": Question(
        "Which is better where nothing was ploughed, sown, flooded or built? Which where it was?",
        (
            "keeping the past, everywhere",
            "the regression, everywhere",
            "keeping where nothing happened, the regression where something did",
        ),
        "keeping where nothing happened, the regression where something did",
        "X̂1 holds 114 measured bands of the very pixel. That is worth a lot, until the ground "
        "becomes something else: compare the lines of the table.",
    ),
    "exam": Question(
        "Which of the candidates will do worst on pseudo-changes?",
        ("injection or rescaled, which keep X̂1", "the regressions", "the cascade"),
        "injection or rescaled, which keep X̂1",
        "They build on a past that has nothing to do with the present.",
    ),
}

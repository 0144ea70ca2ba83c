"""Predictions of lesson 03."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "larger": Question(
        "We start from Y1, enlarged. Which of the two residuals is larger at the start?",
        ("Y1 − D X", "M1 − R X", "both are zero"),
        "M1 − R X",
        "The start was made from Y1, and still is not quite in its set: enlarged and blurred "
        "again, an image has lost contrast. Of M1, with all its detail, it knows nothing.",
    ),
    "angle": Question(
        "At which angle between the two lines is one round enough?",
        ("0°", "45°", "90°", "at none"),
        "90°",
        "Then the second projection does not disturb what the first has set right. The smaller the "
        "angle, the slower; at 0° the lines are the same or never meet.",
    ),
    "planes": Question(
        "At which angle do the planes of D and R meet?",
        ("at right angles", "almost parallel", "somewhere between"),
        "at right angles",
        "The residuals vanish in one round, as at 90°. The text below says why.",
    ),
    "many": Question(
        "With unequal PSFs, how many rounds until M1 − R X is as small as with equal ones?",
        ("two", "ten", "not even thirty"),
        "not even thirty",
        "Almost all goes in the first round. What is left then lies in directions in which the two "
        "planes almost touch, and creeps.",
    ),
    "red": Question(
        "A pixel is darker in the red (B4) than the estimate says. Which way should the SWIR move?",
        ("up", "down", "not at all"),
        "down",
        "In this scene what darkens the red (leaves) darkens the SWIR too (the water in them).",
    ),
}

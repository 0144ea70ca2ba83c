"""Predictions of lesson 05."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "weights": Question(
        "X1 has nearly four million numbers. How many weights has a network that makes them?",
        ("some ten thousand", "about as many", "a hundred times as many"),
        "some ten thousand",
        "Each weight serves every map and every place; the cell below counts them.",
    ),
    "believe": Question(
        "Which of two answers explains Y1 better: back-projection 2, which carries all of the "
        "residual back, or ecu 2, which carries back what it believes?",
        ("back-projection 2", "ecu 2", "both alike"),
        "back-projection 2",
        "It is the projection itself, and nothing explains Y1 better than that. Whether it is "
        "nearer to the truth as well is another question: click both.",
    ),
    "maps": Question(
        "How many maps for 114 bands?",
        ("1", "about a dozen", "about a hundred"),
        "about a dozen",
        "As in lesson 01: the spectra of a scene lie near a plane of few dimensions.",
    ),
    "bands": Question(
        "In which bands does a network help more?",
        ("those that M1 measures", "the SWIR", "no difference"),
        "the SWIR",
        "In the bands of M1 any method that agrees with M1 is nearly right. In the SWIR there is "
        "something to win.",
    ),
    "suite": Question(
        "On which suite will the network gain least over the best classical method?",
        ("simulated, exact physics", "imperfect physics", "real EnMAP spectra"),
        "real EnMAP spectra",
        "There the D and R of the protocol are exact, and so is what formulas assume; and the "
        "network was trained on simulated spectra.",
    ),
}

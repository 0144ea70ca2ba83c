"""Predictions of lesson 01."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "pixel": Question(
        "Light is divided among the bands, and a sensor needs a certain amount of it. Which sensor "
        "can afford the smaller pixel?",
        ("the one with 200 narrow bands", "the one with four broad bands", "no difference"),
        "the one with four broad bands",
        "A broad band collects more light from the same ground, so the ground may be smaller. See "
        "the last column: 10 m against 30 m.",
    ),
    "weight": Question(
        "An MS band as a mean of HS bands, with weights: could a weight be negative?",
        ("no, a mean has positive weights", "yes, beside steep flanks", "yes, anywhere"),
        "yes, beside steep flanks",
        "R also sharpens what the HS bands have smoothed, and to sharpen means to subtract a "
        "little of the neighbours.",
    ),
    "four bands": Question(
        "Which of the three could you tell with four bands at 490, 560, 665 and 840 nm?",
        ("all three", "the red edge, and water surfaces in part", "none of them"),
        "the red edge, and water surfaces in part",
        "665 and 840 nm stand on either side of the red edge, and water is dark at 840 nm already. "
        "Water in leaves and clay lie where there is no band.",
    ),
    "numbers": Question(
        "How many numbers for a spectrum of 114 bands, to come as near as the noise?",
        ("3", "about 6", "about 30", "all 114"),
        "about 6",
        "Exercise b finds the number. The bands vary together: they are mixtures of few materials, "
        "and light.",
    ),
    "village": Question(
        "One pixel of the village, one of a crop: which needs more numbers to err by less than "
        "0.01 of reflectance?",
        ("the village, whose roofs are small and rare", "the crop", "both need the same"),
        "the crop",
        "Rare is not the same as complicated. A roof is a nearly straight curve, and a few shapes "
        "give it; a green leaf has a red edge and water bands. Beyond some ten numbers, when only "
        "rare details are left, it may be the other way round.",
    ),
}

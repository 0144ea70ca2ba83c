"""Predictions of lesson 02."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "shapes": Question(
        "X1 has 114 bands of 180 x 180 pixels. Which shapes have D X1 and R X1, at ratio 3, with "
        "an MS of four bands?",
        (
            "D X1: 114 x 60 x 60; R X1: 4 x 180 x 180",
            "D X1: 4 x 180 x 180; R X1: 114 x 60 x 60",
            "D X1: 38 x 180 x 180; R X1: 4 x 180 x 180",
        ),
        "D X1: 114 x 60 x 60; R X1: 4 x 180 x 180",
        "D works within each band and leaves a ninth of the pixels; R works within each pixel and "
        "leaves four bands.",
    ),
    "width": Question(
        "A sensor with a lower MTF: is its PSF wider or narrower?",
        ("wider", "narrower", "the same"),
        "wider",
        "Less contrast of fine stripes is left where each point is smeared over more neighbours.",
    ),
    "shift or noise": Question(
        "Y1 half a fine pixel off, or Y1 with ten times the noise power (35 to 25 dB): which "
        "disagrees more with M1, in R Y1 − D M1?",
        ("half a pixel", "the noise", "about the same"),
        "half a pixel",
        "R averages four to twelve bands and with them their noise; a shift moves all bands the "
        "same way, and nothing averages it away. Counted over all bands it is another story: "
        "exercise a.",
    ),
}

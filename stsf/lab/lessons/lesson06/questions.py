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
    "oracle": Question(
        "How much smaller would the oracle's error be than that of the best single candidate?",
        ("hardly", "by some 40 %", "by 90 %"),
        "by some 40 %",
        "The candidates fail in different places, so a choice pays; but in many pixels all ten "
        "err in the same direction, and there no choice helps.",
    ),
    "gate": Question(
        "When will X̂1 be kept?",
        (
            "when all bands are a quarter brighter",
            "when two are brighter and two darker",
            "when two are darker and two brighter",
            "never: all three are large changes",
        ),
        "when all bands are a quarter brighter",
        "That is a gain and no change of cover; the other two change the colour, and a difference "
        "and its opposite have the same effect.",
    ),
    "snow": Question(
        "Snow was very rare in training. You paint some. Will the network know that it does not "
        "know?",
        (
            "yes: its σ will be about as large as its error",
            "no: its σ will be far smaller than its error",
        ),
        "no: its σ will be far smaller than its error",
        "σ is learnt, too, and of what hardly came up in training it has learnt little. It is "
        "larger than for any other paint, and still five times too small.",
    ),
    "slow change": Question(
        "In a pixel that is called unchanged: which is larger, its change from t1 to t2 or the "
        "error of X̂2?",
        ("its change", "the error"),
        "its change",
        "So the slow change is followed too: less than half of it is left as error.",
    ),
    "explained": Question(
        "No MS band lies at 750 nm. How much of such a band do the four MS bands explain?",
        ("less than half", "about four fifths", "nearly all"),
        "nearly all",
        "At t1 the bands between those of the MS go with their neighbours. That is a rule of this "
        "scene at that date, and no measurement; four fifths it is in the SWIR.",
    ),
}

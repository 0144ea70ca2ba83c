"""Predictions of lesson 09."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "curve kept": Question(
        "In which of the four pins will the fused curve of t2 leave the dotted truth most, and "
        "where?",
        (
            "the harvested one, in the visible",
            "the flooded one, beyond 1000 nm",
            "the unchanged one, everywhere a little",
        ),
        "the flooded one, beyond 1000 nm",
        "In the bands of M2 it has to be right. Beyond them the method knows land only.",
    ),
    "two dips": Question(
        "At the harvest the dip of chlorophyll goes and that of clay comes. Will the fused curve "
        "show both?",
        ("both", "only the loss of chlorophyll", "only the clay"),
        "only the loss of chlorophyll",
        "An MS band lies in the dip of chlorophyll; none is near 2200 nm.",
    ),
    "threshold": Question(
        "With a rising threshold, what happens to precision and recall, and where do the last "
        "false alarms lie?",
        (
            "precision rises, recall falls; over water",
            "precision falls, recall rises; in the village",
            "both rise; at the edges of fields",
        ),
        "precision rises, recall falls; over water",
        "Water is so dark that a little noise turns its spectrum by many degrees.",
    ),
    "names": Question(
        "For which pin will the fused and the true spectrum of t2 be given the most different "
        "names?",
        ("harvested", "flooded", "unchanged"),
        "flooded",
        "Straw for water. The angle of 14 degrees says that the name is worth nothing.",
    ),
    "promise": Question(
        "Will the true success at t2, in changed pixels, be above or below what the bands promised "
        "at t1?",
        (
            "above, everywhere",
            "as promised in and between the MS bands, below it in the SWIR",
            "below, everywhere",
        ),
        "as promised in and between the MS bands, below it in the SWIR",
        "What goes together in the land of t1 need not go together in the water and roofs of t2.",
    ),
    "ninety": Question(
        "The interval is meant to hold the truth in 90 % of all cases. Where will it fall short on "
        "this scene?",
        ("in unchanged pixels", "in flooded pixels, a little", "in all changed pixels, by far"),
        "in flooded pixels, a little",
        "The network widens its interval where the ground changed. For water, which this scene "
        "hardly holds at t1, it does not widen it quite enough in all bands.",
    ),
}

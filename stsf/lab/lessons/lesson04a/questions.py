"""Predictions of lesson 04a."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "share": Question(
        "Which share of the squared error of a projection is invisible to both sensors?",
        ("about a tenth", "about half", "about nine tenths"),
        "about nine tenths",
        "What the sensors saw, the projection has set right. What is left lies in the null space.",
    ),
    "flat": Question(
        "What will the filter *detail* say in the middle of a uniform field?",
        ("the value of the field", "0", "1"),
        "0",
        "A pixel that equals the mean of its neighbourhood has no detail: the weights sum to 0.",
    ),
    "slope": Question(
        "At strength 0, is the slope of the loss positive or negative?",
        ("positive", "negative", "0"),
        "negative",
        "A little of the detail makes the loss smaller, so the curve falls to the right.",
    ),
    "rate": Question(
        "Three walks of six steps, with a small, a middling and a large rate: which one is at "
        "the bottom after six steps?",
        ("the small", "the middling", "the large"),
        "the middling",
        "The small one crawls; the large one leaps over the valley and climbs out on the other "
        "side.",
    ),
    "block": Question(
        "The block has ten times as many weights as the one filter. Where will it be better?",
        ("left, where it learns", "right, which it never saw", "both", "neither"),
        "left, where it learns",
        "More weights fit the examples better. Whether anything else, the right half says.",
    ),
}

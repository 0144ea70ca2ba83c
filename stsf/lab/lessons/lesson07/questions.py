"""Predictions of lesson 07."""

from stsf.lab.lessons.predict import Question

QUESTIONS = {
    "errors": Question(
        "Three spoilt versions of the truth: 0.01 too bright everywhere; 0.1 too bright in one "
        "band of ten; 5 % too dark. Which does the angle not notice at all?",
        ("0.01 everywhere", "0.1 in one band of ten", "5 % too dark"),
        "5 % too dark",
        "A factor turns no spectrum. The absolute error hardly tells the three apart; the RMS "
        "minds that 0.1 is piled up in few bands.",
    ),
    "sample": Question(
        "18 % of the pixels changed. Each of these is twice as likely to be drawn. Which share of "
        "the sample is changed?",
        ("18 %", "about 30 %", "36 %"),
        "about 30 %",
        "Twice the weight is not twice the share: the weights of all have to add up to 1. Exercise "
        "b computes it.",
    ),
    "step": Question(
        "What happens if the step is a hundred times too small, and if it is a hundred times too "
        "large?",
        (
            "both get there, only at another speed",
            "too small: not there yet; too large: the loss explodes",
            "too small: stuck for ever; too large: faster",
        ),
        "too small: not there yet; too large: the loss explodes",
        "The gradient says where downhill is, not how far. A step beyond the valley ends higher on "
        "the other side.",
    ),
    "stages": Question(
        "Each stage gets scenes that the one before has not seen. What would the TVE believe of a "
        "fine-tuning network that is tested on the scenes it learnt by heart?",
        ("too much", "too little", "just the same"),
        "too much",
        "It would see answers that are nearly right, and learn to trust them; on a new scene they "
        "are not.",
    ),
    "by heart": Question(
        "A network learns from two scenes. What do the loss on these two and the loss on others "
        "do, in 100 steps?",
        ("both fall", "the first falls, the second rises", "both fall, the second more slowly"),
        "the first falls, the second rises",
        "It learns the two by heart. What it learns of them is wrong elsewhere.",
    ),
    "consistency": Question(
        "The last correction to M2 is taken out of the TVE. Where will that hurt most?",
        ("in changed pixels", "in unchanged pixels", "in both alike"),
        "in changed pixels",
        "Where nothing changed, the candidates agree with M2 already. Where it did, the mixture "
        "has to be brought back to what was measured.",
    ),
    "zero-shot": Question(
        "Learnt from one scene, this one. Will that beat the untrained network? The shipped one, "
        "which has seen hundreds of others?",
        ("both", "the untrained one only", "neither"),
        "neither",
        "In its own exam patches of the scene take each other's place, so it learns that whatever "
        "comes was there before. The water of the flood was not.",
    ),
    "abroad": Question(
        "In a world that no training scene came from: how much weight will the fine-tuned "
        "candidate get in changed pixels, of 40 % at home?",
        ("about 40 %", "about 20 %", "about 1 %"),
        "about 1 %",
        "The weigher sees how each candidate does on this scene's pseudo-changes. A network that "
        "fails there is not asked again.",
    ),
}

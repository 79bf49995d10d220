"""The widgets that all general tests run on, each made once."""

from functools import cache

from lecturelib import widgets

WIDGETS = ("LearningRateExplorer", "ActivationExplorer", "ConvolutionExplorer",
           "OptimizerRace", "GradientChecker", "GraphExplorer", "MinibatchNoise", "Playground",
           "SaddleExplorer", "MomentumExplorer", "NewtonExplorer", "WeightSharingExplorer",
           "AdamExplorer", "PoolingExplorer", "LossExplorer", "DirectionExplorer", "ModeExplorer",
           "ShiftExplorer", "AugmentationExplorer")
TEXTS = {"caption": "Move the sliders and watch the picture.",
         "alt": "A picture with curves & <numbers> in it"}


@cache
def widget(name):
    """One instance for all tests, in its first state; those who move it move it back."""
    return getattr(widgets, name)(**TEXTS)

"""Figures to play with: alive in Jupyter and in the built page, still in print."""

try:
    from lecturelib.widgets.activations import ActivationExplorer
    from lecturelib.widgets.adam import AdamExplorer
    from lecturelib.widgets.computation_graph import GraphExplorer
    from lecturelib.widgets.controls import check, choice, numbers, slider
    from lecturelib.widgets.convolution import ConvolutionExplorer
    from lecturelib.widgets.directions import DirectionExplorer
    from lecturelib.widgets.distortions import AugmentationExplorer, ShiftExplorer
    from lecturelib.widgets.explorable import Explorable, share_kit, table
    from lecturelib.widgets.gradient_checker import GradientChecker
    from lecturelib.widgets.learning_rate import LearningRateExplorer
    from lecturelib.widgets.losses import LossExplorer
    from lecturelib.widgets.minibatch_noise import MinibatchNoise
    from lecturelib.widgets.modes import ModeExplorer
    from lecturelib.widgets.momentum import MomentumExplorer
    from lecturelib.widgets.newton import NewtonExplorer
    from lecturelib.widgets.optimizer_race import OptimizerRace
    from lecturelib.widgets.playground import Playground
    from lecturelib.widgets.pooling import PoolingExplorer
    from lecturelib.widgets.saddle import SaddleExplorer
    from lecturelib.widgets.weight_sharing import WeightSharingExplorer
except ModuleNotFoundError as e:  # lecturelib alone needs only NumPy
    raise ModuleNotFoundError(
        f"lecturelib.widgets needs {e.name}: pip install 'lecturelib[viz]'",
        name=e.name) from e

__all__ = [
    "ActivationExplorer", "AdamExplorer", "AugmentationExplorer", "ConvolutionExplorer",
    "DirectionExplorer", "Explorable", "GradientChecker",
    "GraphExplorer", "LearningRateExplorer", "LossExplorer", "MinibatchNoise",
    "ModeExplorer", "MomentumExplorer", "NewtonExplorer", "OptimizerRace",
    "Playground", "PoolingExplorer", "SaddleExplorer", "ShiftExplorer", "WeightSharingExplorer",
    "check", "choice", "numbers", "share_kit", "slider", "table",
]

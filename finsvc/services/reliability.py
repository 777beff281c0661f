"""How sure a material answer must be: the limit, the samples, and the calibration of the model."""

from collections.abc import Callable
from dataclasses import dataclass

from finsvc.agents.loop import AgentRun
from finsvc.services.ensemble import Ensemble, Sample, judge, sample_seed
from finsvc.services.materiality import MATERIAL_USD, largest_usd
from finsvc.validator.abstention import Calibration
from finsvc.validator.validate import Validation

DEFAULT_SAMPLES = 4

# Answers the question once more, with a seed, and judges what came of it.
Draw = Callable[[int], tuple[AgentRun, Validation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """When an answer is sampled again, how often, and what the model's confidence is held to.

    A calibration holds for its own number of samples, which is then used.
    """

    limit_usd: int = MATERIAL_USD
    num_samples: int = DEFAULT_SAMPLES
    calibration: Calibration | None = None

    def check(
        self, run: AgentRun, validation: Validation, *, basis: str, draw: Draw
    ) -> Ensemble | None:
        """Sample a material answer again; None for any other, which stands as it is.

        Args:
            run: How the answer came about.
            validation: Its verdict and claims; an answer that makes no claim is not material.
            basis: What the seeds follow from: the decision's identifier.
            draw: Draws a sample.
        """
        if not validation.claims or largest_usd(validation.claims) < self.limit_usd:
            return None
        calibration = self.calibration
        count = self.num_samples if calibration is None else calibration.terms.num_samples
        samples = []
        for number in range(count):
            seed = sample_seed(basis, number)
            again, judged = draw(seed)
            samples.append(Sample(seed=seed, run=again, validation=judged))
        return judge(run, validation, samples, calibration)

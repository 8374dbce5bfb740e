/**
 * The ways tried to find out whether the candidate is worse, each over the same samples: larger is worse, in the order of time.
 * The first two look once, at the end; the others are e-processes and may be looked at after every step.
 */
import { blockPValue, weighBlocks, type Block } from '@mabeam/orchestrator';

/** Is the candidate worse, by the samples of all windows? `drift` as in `weighBlocks`. */
export type Judge = (blocks: readonly Block[], drift: number) => boolean;

const alpha = 0.01;
const target = Math.log(1 / alpha);

/** By the name used in the table. */
export const judges: Readonly<Record<string, Judge>> = {
  'mean 5 % worse, once': (blocks) => {
    const { candidate, incumbent } = pool(blocks);
    return meanOf(candidate) - meanOf(incumbent) > 0.05 * Math.abs(meanOf(incumbent));
  },
  'rank sum p ≤ .01, once': (blocks) => blockPValue(pool(blocks)) <= alpha,
  'pairs, Newton-step betting': (blocks) => betOnPairs(pairsOf(pool(blocks)), newtonStakes()),
  'pairs, plug-in betting': (blocks) => betOnPairs(pairsOf(pool(blocks)), plugInStakes()),
  'pairs, signs tilted by size': (blocks) => tiltSigns(pairsOf(pool(blocks))),
  'windows, ranks tilted': (blocks, drift) =>
    // One window more than there is: the last never comes, and nothing is staked on it.
    weighBlocks(blocks, { alpha, windows: blocks.length + 1, drift }).isWorse,
  'windows, ranks tilted, last staked': (blocks, drift) =>
    weighBlocks(blocks, { alpha, windows: blocks.length, drift }).isWorse,
};

function pool(blocks: readonly Block[]): Block {
  return {
    incumbent: blocks.flatMap(({ incumbent }) => incumbent),
    candidate: blocks.flatMap(({ candidate }) => candidate),
  };
}

/** Differences of pairs over their typical size so far (the present one included: sizes say nothing about signs). */
function pairsOf({ candidate, incumbent }: Block): readonly number[] {
  const differences = candidate.map((value, i) => value - (incumbent[i] ?? value));
  return differences.map((difference, i) => {
    const sizes = differences
      .slice(0, i + 1)
      .map(Math.abs)
      .toSorted((a, b) => a - b);
    const typical = (sizes[sizes.length >> 1] ?? 0) / 0.6745;
    return typical === 0 ? 0 : difference / typical;
  });
}

/** A stake for each step, told the outcomes one by one. */
interface Stakes {
  next(): number;
  learn(gain: number): void;
}

/** Waudby-Smith and Ramdas, Shekhar and Ramdas: wealth times 1 + stake · gain, the gain within (-1, 1). */
function betOnPairs(pairs: readonly number[], stakes: Stakes): boolean {
  let wealth = 0;
  return pairs.some((pair) => {
    const gain = Math.tanh(pair);
    wealth += Math.log1p(stakes.next() * gain);
    stakes.learn(gain);
    return wealth >= target;
  });
}

/** The online Newton step of Cutkosky and Orabona, stakes from 0 to 1/2. */
function newtonStakes(): Stakes {
  let [stake, curvature] = [0, 1];
  return {
    next: () => stake,
    learn: (gain) => {
      const slope = -gain / (1 + stake * gain);
      curvature += slope ** 2;
      stake = Math.min(0.5, Math.max(0, stake - ((2 / (2 - Math.log(3))) * slope) / curvature));
    },
  };
}

/** Mean over mean square of the gains so far, with a little faith to begin with. */
function plugInStakes(): Stakes {
  let [sum, squares] = [0.2, 1];
  return {
    next: () => Math.min(0.9, Math.max(0, sum / squares)),
    learn: (gain) => {
      sum += gain;
      squares += gain ** 2;
    },
  };
}

/** de la Peña: given its size, the sign of a symmetric difference is a coin; e = exp(θd) / cosh(θd), mixed over three θ. */
function tiltSigns(pairs: readonly number[]): boolean {
  const tilts = [0.5, 1, 2];
  const logs = tilts.map(() => 0);
  return pairs.some((pair) => {
    tilts.forEach(
      (tilt, i) => (logs[i] = (logs[i] ?? 0) + Math.log(2) - Math.log1p(Math.exp(-2 * tilt * pair))),
    );
    return Math.log(meanOf(logs.map(Math.exp))) >= target;
  });
}

function meanOf(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0) / figures.length;
}

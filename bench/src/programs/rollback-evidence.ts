/**
 * How often is a good change rolled back, and how soon a bad one? Replays over real A/A noise, off line:
 *
 *   node --conditions=@mabeam/source bench/src/programs/rollback-evidence.ts --data <folder> [--replays 2500] [--seed 1]
 *
 * The folder holds `<name>.csv.gz` of readings (readings.ts). Without it the run says so and measures nothing. The tables are
 * Markdown, as in docs/rollback-evidence.md.
 */
import { parseArgs } from 'node:util';
import { upperBound } from '../rollback/binomial-bound.ts';
import { judges } from '../rollback/contenders.ts';
import { readSeries, type Series } from '../rollback/readings.ts';
import {
  blocksOf,
  driftIn,
  drawReplay,
  plant,
  rolledBackAfter,
  type Design,
  type Replay,
} from '../rollback/replay.ts';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    replays: { type: 'string', default: '2500' },
    seed: { type: 'string', default: '1' },
  },
});
const replays = Number(options.replays);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const designs: readonly Design[] = [
  { name: 'canary 20 : 20', mode: 'canary', candidates: 20, incumbents: 20 },
  { name: 'canary 20 : 180', mode: 'canary', candidates: 20, incumbents: 180 },
  { name: 'before 60, after 20', mode: 'before-after', candidates: 20, incumbents: 60 },
  { name: 'before 600, after 200', mode: 'before-after', candidates: 200, incumbents: 600 },
];

const series = options.data === undefined ? undefined : await readSeries(options.data);
if (series === undefined)
  say('Skipped: --data names no folder with *.csv.gz of readings; nothing was measured.');
else {
  for (const design of designs.filter(({ candidates }) => candidates === 20)) compareJudges(series, design);
  judgeRollouts(series);
}

/** The tests beside each other, on all series together. */
function compareJudges(all: readonly Series[], design: Design): void {
  const random = seeded(Number(options.seed));
  const drawn = all.flatMap((one) => Array.from({ length: replays }, () => drawReplay(one, design, random)));
  say(`\n${design.name}: ${drawn.length} replays\n`);
  say('| test | false | 10 % found | 20 % found |\n| --- | --- | --- | --- |');
  for (const [name, judge] of Object.entries(judges)) {
    const rates = [0, 0.1, 0.2].map((worseBy) =>
      share(drawn, (replay) => judge(blocksOf(plant(replay, worseBy)), driftIn(replay))),
    );
    say(`| ${name} | ${rates.map(percent).join(' | ')} |`);
  }
}

/** Whole rollouts, by design and metric. */
function judgeRollouts(all: readonly Series[]): void {
  say(
    '\n| rollout | metric | replays | rolled back, A/A | upper 95 % bound | 5 % worse | 10 % | 20 % | 20 %: windows, mean |',
  );
  say('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const design of designs) {
    for (const one of all) {
      const random = seeded(Number(options.seed));
      const drawn = Array.from({ length: replays }, () => drawReplay(one, design, random));
      const falseAlarms = drawn.filter((replay) => rolledBackAfter(replay) !== undefined).length;
      const found = [0.05, 0.1].map((worseBy) =>
        share(drawn, (replay) => rolledBackAfter(plant(replay, worseBy)) !== undefined),
      );
      const soon = drawn
        .map((replay) => rolledBackAfter(plant(replay, 0.2)))
        .filter((after) => after !== undefined);
      const cells = [
        percent(falseAlarms / replays),
        percent(upperBound(falseAlarms, replays, 0.95)),
        ...[...found, soon.length / replays].map(percent),
        (soon.reduce((total, after) => total + after, 0) / soon.length).toFixed(2),
      ];
      say(`| ${design.name} | ${one.name} | ${replays} | ${cells.join(' | ')} |`);
    }
  }
}

function share(drawn: readonly Replay[], isFound: (replay: Replay) => boolean): number {
  return drawn.filter(isFound).length / drawn.length;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}

/** Mulberry32, so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

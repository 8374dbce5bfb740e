// What the papers say is what the machine does: the level table of docs/architecture.md, the test line of the README.
import { rooms, type Room } from '../levels.ts';
import type { House } from '../house.ts';
import type { Violation } from '../tree.ts';

const page = 'docs/architecture.md';
const row = /^\|\s*(\d+)\s*\|([^|]*)\|/gm;

/** The table in docs/architecture.md (`| level | rooms in back-ticks | …`) names the same rooms on the same levels. */
export function levelTable(house: House, table: readonly Room[] = rooms): readonly Violation[] {
  const shown = [...(house.tree.get(page) ?? '').matchAll(row)].flatMap(([, level, names]) =>
    [...(names ?? '').matchAll(/`([^`]+)`/g)].map(([, room]) => `${room} on level ${level}`),
  );
  const meant = table.map(({ room, level }) => `${room} on level ${level}`);
  const missing = meant.filter((one) => !shown.includes(one)).map((one) => `the table lacks ${one}`);
  const extra = shown
    .filter((one) => !meant.includes(one))
    .map((one) => `the table has ${one}, the rule has not`);
  return [...missing, ...extra].map((message) => ({ rule: 'level-table', file: page, message }));
}

/** The README says how to test in one line, and `.ci/run` runs exactly that line. */
export function testLine(house: House): readonly Violation[] {
  const file = '.ci/run';
  const script = house.tree.get(file) ?? '';
  const line = /^test_line='([^']+)'$/m.exec(script)?.[1];
  if (line === undefined) return [{ rule: 'test-line', file, message: "has no line test_line='…'" }];
  const used = script.includes('"$test_line"')
    ? []
    : [{ rule: 'test-line', file, message: 'does not run "$test_line"' }];
  const told = (house.tree.get('README.md') ?? '').split('\n').includes(line);
  const untold = { rule: 'test-line', file: 'README.md', message: `does not have the line: ${line}` };
  return told ? used : [...used, untold];
}

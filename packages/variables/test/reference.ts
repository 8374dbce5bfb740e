/**
 * The reference of the model test: variables as a table in memory that is changed by one action after the other. Small enough to be
 * right by looking at it; what the real stores wrote, in the order of their revisions, must be a run of it.
 *
 * The table begins with `x` and `y`, which are bound (x + y ≤ 10), and `z`, which is created and removed. Values go from 0 to `max`.
 */
import type { Json, WriteOutcome } from '@mabeam/variables';

export type Action =
  | { readonly kind: 'update'; readonly id: string; readonly value: number; readonly isConditional: boolean }
  | { readonly kind: 'apply'; readonly x: number; readonly y: number; readonly isBased: boolean }
  | { readonly kind: 'create'; readonly value: number; readonly max: number }
  | { readonly kind: 'remove' }
  | { readonly kind: 'redefine'; readonly id: string; readonly max: number }
  | { readonly kind: 'roll-back'; readonly id: string; readonly steps: number };

/** An action that a store performed, and what came of it. */
export interface Deed {
  readonly action: Action;
  /** The revision that was demanded of the variable, or of the space. */
  readonly demanded?: number | undefined;
  /** The revision that was rolled back to. */
  readonly target?: number | undefined;
  readonly outcome: WriteOutcome | { readonly kind: 'refused'; readonly code: string };
}

interface Row {
  readonly value: Json;
  readonly revision: number;
  readonly max: number;
}

/** The table after the change set of this revision. */
export interface Snapshot {
  readonly revision: number;
  readonly rows: ReadonlyMap<string, Row>;
}

export const bondLimit = 10;
export const firstMax = 10;

const possible: Readonly<Record<Action['kind'], readonly string[]>> = {
  update: [
    'out-of-domain',
    'constraint-violation',
    'unknown-variable',
    'stale-revision',
    'variable-contended',
  ],
  apply: ['out-of-domain', 'constraint-violation', 'stale-revision', 'variable-contended'],
  create: ['variable-exists', 'variable-contended'],
  remove: ['unknown-variable', 'variable-contended'],
  redefine: ['out-of-domain', 'unknown-variable', 'variable-contended'],
  'roll-back': [
    'out-of-domain',
    'constraint-violation',
    'unknown-variable',
    'unknown-revision',
    'variable-contended',
  ],
};

/**
 * Performs what was written, in the order of the revisions, on the table as it has been so far. Throws a sentence saying what it
 * could not have done.
 */
export function replay(soFar: readonly Snapshot[], deeds: readonly Deed[]): Snapshot[] {
  const snapshots = [...soFar];
  const past = new Map<string, Json>();
  for (const { rows } of soFar) for (const [id, row] of rows) past.set(`${id} ${row.revision}`, row.value);
  for (const { deed, outcome } of writtenOf(deeds)) {
    const before = snapshots.at(-1);
    const rows = new Map(before?.rows);
    check(outcome.revision > (before?.revision ?? 0), `revision ${outcome.revision} came twice`);
    perform(rows, deed, outcome);
    const sum = Number(rows.get('x')?.value) + Number(rows.get('y')?.value);
    check(sum <= bondLimit, `at revision ${outcome.revision} x and y add up to ${sum}`);
    if (deed.action.kind === 'roll-back' && deed.target !== undefined) {
      const { id } = deed.action;
      check(
        past.get(`${id} ${deed.target}`) === rows.get(id)?.value,
        `${id} did not have that value at ${deed.target}`,
      );
    }
    for (const [id, row] of rows) past.set(`${id} ${row.revision}`, row.value);
    snapshots.push({ revision: outcome.revision, rows });
  }
  return snapshots;
}

/** Throws when an action was refused for a reason that it cannot have. */
export function checkRefusals(deeds: readonly Deed[]): void {
  for (const { action, demanded, outcome } of deeds) {
    if (outcome.kind !== 'refused') continue;
    check(possible[action.kind].includes(outcome.code), `${action.kind} was refused as ${outcome.code}`);
    if (outcome.code === 'stale-revision')
      check(demanded !== undefined, `${action.kind} demanded nothing and was stale`);
  }
}

function writtenOf(deeds: readonly Deed[]): { deed: Deed; outcome: WriteOutcome }[] {
  return deeds
    .flatMap((deed) => (deed.outcome.kind === 'written' ? [{ deed, outcome: deed.outcome }] : []))
    .toSorted((a, b) => a.outcome.revision - b.outcome.revision);
}

function perform(rows: Map<string, Row>, { action, demanded }: Deed, outcome: WriteOutcome): void {
  const { changes, revision } = outcome;
  for (const { id, from } of changes)
    check(
      (rows.get(id)?.value ?? null) === from,
      `${action.kind} at ${revision} did not begin with ${id}'s value`,
    );
  switch (action.kind) {
    case 'update':
    case 'roll-back':
      if (demanded !== undefined)
        check(rows.get(action.id)?.revision === demanded, `${action.id} was not at revision ${demanded}`);
      return write(rows, action.id, { value: changes[0]?.to ?? null, revision });
    case 'apply':
      // A change set is the fence, x and y: what it was based on is right before it.
      if (demanded !== undefined) check(demanded === revision - 3, `something was written since ${demanded}`);
      write(rows, 'x', { value: changes[0]?.to ?? null, revision: revision - 1 });
      return write(rows, 'y', { value: changes[1]?.to ?? null, revision });
    case 'create':
      check(!rows.has('z'), `z was created at ${revision} though it was there`);
      rows.set('z', { value: action.value, revision, max: action.max });
      return;
    case 'remove':
      check(rows.delete('z'), `z was removed at ${revision} though it was not there`);
      return;
    case 'redefine':
      return redefine(rows, action, revision);
  }
}

/** The value is affirmed with the definition, and so is that of the variable it is bound to, behind it. */
function redefine(
  rows: Map<string, Row>,
  { id, max }: { readonly id: string; readonly max: number },
  revision: number,
): void {
  const row = rows.get(id);
  check(
    row !== undefined && Number(row.value) <= max,
    `${id} was redefined at ${revision} though it did not fit`,
  );
  rows.set(id, { ...row, max, revision: id === 'y' ? revision - 1 : revision });
  const bound = id === 'y' ? rows.get('x') : undefined;
  if (bound !== undefined) rows.set('x', { ...bound, revision });
}

function write(rows: Map<string, Row>, id: string, written: Pick<Row, 'value' | 'revision'>): void {
  const row = rows.get(id);
  check(row !== undefined, `${id} was written at ${written.revision} though it was not there`);
  const value = Number(written.value);
  check(
    value >= 0 && value <= row.max,
    `${id} became ${value} at ${written.revision}, its domain ends at ${row.max}`,
  );
  rows.set(id, { ...row, ...written });
}

function check(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Error(otherwise);
}

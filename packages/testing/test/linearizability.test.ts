import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  checkLinearizability,
  registerModel,
  seededRandom,
  type ObservedOperation,
  type RegisterOperation,
} from '../src/index.ts';
import { historyOf, shortLog } from './etcd-log.ts';
import { recordedHistories } from './fixtures/recorded-histories.ts';

const register = registerModel(null);
const verdict = (history: readonly ObservedOperation<RegisterOperation>[]): string =>
  checkLinearizability(register, history).kind;
const expected = (isLinearizable: boolean): string => (isLinearizable ? 'linearizable' : 'not-linearizable');

const write = (
  value: number,
  calledAt: number,
  returnedAt?: number,
): ObservedOperation<RegisterOperation> => ({
  operation: { kind: 'write', value },
  calledAt,
  ...(returnedAt === undefined ? {} : { returnedAt }),
});
const read = (
  value: number | null,
  calledAt: number,
  returnedAt: number,
): ObservedOperation<RegisterOperation> => ({
  operation: { kind: 'read', value },
  calledAt,
  returnedAt,
});

describe('the judge of histories', () => {
  it.each(recordedHistories)('agrees with the verdict on $name', ({ log, isLinearizable }) => {
    expect(verdict(historyOf(log))).toBe(expected(isLinearizable));
  });

  it('agrees with every verdict in the folder that MABEAM_DATA names, if it names one', () => {
    const data = process.env['MABEAM_DATA'];
    const folder = data === undefined ? undefined : join(data, 'linearizability');
    const known =
      folder === undefined ? [] : readFileSync(join(folder, 'expected.csv'), 'utf8').trim().split('\n');
    const judged = (folder === undefined ? [] : readdirSync(join(folder, 'jepsen'))).map((file) => {
      const log = gunzipSync(readFileSync(join(folder ?? '', 'jepsen', file))).toString();
      return `${Number(/\d+/.exec(file)?.[0])}, ${verdict(historyOf(shortLog(log))) === 'linearizable'}`;
    });
    expect(judged.toSorted()).toEqual(known.toSorted());
  }, 120_000);

  it('allows a read to see a write that has not returned, and forbids it to be forgotten again', () => {
    expect(verdict([write(1, 0, 10), read(1, 1, 2), read(1, 3, 4)])).toBe('linearizable');
    expect(verdict([write(1, 0, 10), read(1, 1, 2), read(null, 3, 4)])).toBe('not-linearizable');
  });

  it('lets a write whose end was never learnt take effect late, or never', () => {
    expect(verdict([write(1, 0), read(null, 5, 6), read(1, 7, 8)])).toBe('linearizable');
    expect(verdict([write(1, 0), read(null, 5, 6)])).toBe('linearizable');
    expect(verdict([read(1, 5, 6), write(1, 7)])).toBe('not-linearizable');
  });

  it('gives an order in which the operations really have their results', () => {
    const history = [write(1, 0, 10), write(2, 1, 9), read(2, 2, 8), read(1, 11, 12)];
    const answer = checkLinearizability(register, history);
    const order = answer.kind === 'linearizable' ? answer.order : [];
    expect(order).toHaveLength(4);
    let state: { readonly value: unknown } | undefined = register.initial;
    for (const operation of order) state = state && register.apply(state, operation);
    expect(state).toEqual({ value: 1 });
  });

  it('says that it does not know rather than searching for ever', () => {
    const history = Array.from({ length: 12 }, (_, i) => write(i, 0, 100));
    const impossible = [...history, read(99, 101, 102)];
    expect(checkLinearizability(register, impossible, { maxSteps: 500 }).kind).toBe('undecided');
    expect(checkLinearizability(register, impossible).kind).toBe('not-linearizable');
  });

  it('agrees with trying every order, on small random histories', () => {
    for (let seed = 0; seed < 400; seed++) {
      const history = randomHistory(seed);
      expect(verdict(history), `seed ${seed}`).toBe(expected(isOrderable(history, { value: null })));
    }
  });
});

function randomHistory(seed: number): readonly ObservedOperation<RegisterOperation>[] {
  const random = seededRandom(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  return Array.from({ length: 5 }, () => {
    const calledAt = upTo(12);
    const value = upTo(2);
    const operations: readonly RegisterOperation[] = [
      { kind: 'read', value },
      { kind: 'write', value },
      { kind: 'compare-and-set', expected: upTo(2), value, isDone: upTo(2) === 0 },
    ];
    const operation = operations[upTo(3)] ?? { kind: 'write', value };
    const isLost = operation.kind !== 'read' && upTo(5) === 0;
    return { operation, calledAt, ...(isLost ? {} : { returnedAt: calledAt + 1 + upTo(6) }) };
  });
}

/** By trying: whoever was called before all others returned may be next. */
function isOrderable(
  rest: readonly ObservedOperation<RegisterOperation>[],
  state: { readonly value: unknown },
): boolean {
  if (rest.every(({ returnedAt }) => returnedAt === undefined)) return true;
  const firstReturn = Math.min(...rest.map(({ returnedAt = Infinity }) => returnedAt));
  return rest.some((one) => {
    if (one.calledAt > firstReturn) return false;
    const next = register.apply(state, one.operation);
    const others = rest.filter((other) => other !== one);
    return next !== undefined && isOrderable(others, next);
  });
}

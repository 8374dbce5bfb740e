/** Reads histories of a register: Jepsen's log lines, and the short form of fixtures/recorded-histories.ts. */
import type { ObservedOperation } from '../src/linearizability/linearizability.ts';
import type { RegisterOperation } from '../src/linearizability/register.ts';

const linePattern = /^INFO\s+jepsen\.util - (\d+)\s+:(\w+)\s+:(\w+)\s+(.*?)\s*$/;
const calls: Readonly<Record<string, string>> = { read: 'r', write: 'w', cas: 'c' };
const ends: Readonly<Record<string, string>> = { ok: '+', fail: '!', info: '?' };

/** Jepsen's log in the short form. */
export function shortLog(log: string): string {
  return log
    .split('\n')
    .filter((line) => line.length > 0)
    .map((line) => {
      const [, process, phase = '', kind = '', said = ''] = linePattern.exec(line) ?? [];
      if (process === undefined) throw new Error(`not a line of the log: ${line}`);
      const numbers = said === 'nil' ? '-' : (said.match(/\d+/g) ?? []).join(',');
      if (phase === 'invoke') return `${process}${calls[kind]}${kind === 'read' ? '' : numbers}`;
      return `${process}${ends[phase]}${kind === 'read' && phase === 'ok' ? numbers : ''}`;
    })
    .join(' ');
}

/** The operations of a log in the short form. A read that was never answered says nothing and is left out. */
export function historyOf(log: string): readonly ObservedOperation<RegisterOperation>[] {
  const open = new Map<string, { readonly call: string; readonly at: number }>();
  const history: ObservedOperation<RegisterOperation>[] = [];
  for (const [at, word] of log.split(' ').entries()) {
    const [, process = '', what = ''] = /^(\d+)(.*)$/.exec(word) ?? [];
    if (/^[rwc]/.test(what)) {
      open.set(process, { call: what, at });
      continue;
    }
    const begun = open.get(process);
    if (begun === undefined) throw new Error(`an end without a call: ${word}`);
    open.delete(process);
    if (begun.call === 'r' && what === '?') continue;
    const returned = what === '?' ? {} : { returnedAt: at };
    history.push({ operation: operationOf(begun.call, what), calledAt: begun.at, ...returned });
  }
  for (const { call, at } of open.values()) {
    if (call !== 'r') history.push({ operation: operationOf(call, '?'), calledAt: at });
  }
  return history;
}

function operationOf(call: string, end: string): RegisterOperation {
  if (call === 'r') return { kind: 'read', value: end === '+-' ? null : Number(end.slice(1)) };
  const [first = 0, second = 0] = call.slice(1).split(',').map(Number);
  if (call.startsWith('w')) return { kind: 'write', value: first };
  const isDone = end === '?' ? undefined : end === '+';
  return { kind: 'compare-and-set', expected: first, value: second, isDone };
}

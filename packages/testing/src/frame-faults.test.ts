import { fc, it } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { FrameFaults, type FrameFaultOptions } from './frame-faults.ts';

const half = (): number => 0.5;
const wild: FrameFaultOptions = { seed: 1, drop: half, duplicate: half, reorder: half, delayMs: () => 9 };

/** `n` messages on a subject, numbered. */
const numbered = (on: string, n: number): string[] =>
  Array.from({ length: n }, (_, index) => `MSG ${on} 1 3\r\n${String(index).padStart(3, '0')}\r\n`);

/** What comes out of one connection's screen for each message. */
function fates(options: FrameFaultOptions, messages: readonly string[]) {
  const screen = new FrameFaults(options).newScreen();
  return messages.map((text) =>
    screen(Buffer.from(text)).map(({ bytes, ...fate }) => [bytes.toString(), fate]),
  );
}

describe('the faults of a network', () => {
  test('the same seed decides the same, another one does not', () => {
    const messages = numbered('a', 50);
    expect(fates(wild, messages)).toEqual(fates(wild, messages));
    expect(fates({ ...wild, seed: 2 }, messages)).not.toEqual(fates(wild, messages));
  });

  it.prop([fc.array(fc.boolean(), { maxLength: 60 })])(
    'what happens on one subject does not depend on the traffic of another',
    (order) => {
      const alone = fates(wild, numbered('a', 20));
      const screen = new FrameFaults(wild).newScreen();
      const [mine, others] = [numbered('a', 20), numbered('b', 60)];
      const together: unknown[] = [];
      const send = (text: string): unknown =>
        screen(Buffer.from(text)).map(({ bytes, ...fate }) => [bytes.toString(), fate]);
      for (const isMine of order) {
        const text = (isMine ? mine : others).shift();
        if (text === undefined) continue;
        const fate = send(text);
        if (isMine) together.push(fate);
      }
      expect(together).toEqual(alone.slice(0, together.length));
    },
  );

  test('about the share that was asked for is lost', () => {
    const faults = new FrameFaults({ seed: 7, drop: () => 0.2 });
    const screen = faults.newScreen();
    for (const text of numbered('a', 1000)) screen(Buffer.from(text));
    expect(faults.counts.dropped).toBeGreaterThan(150);
    expect(faults.counts.dropped).toBeLessThan(250);
    expect(faults.counts.passed + faults.counts.dropped).toBe(1000);
  });

  test('lines are never touched', () => {
    const screen = new FrameFaults({ seed: 1, drop: () => 1 }).newScreen();
    const lines = 'INFO {}\r\nPING\r\nPONG\r\nSUB a 1\r\n+OK\r\n';
    const passed = screen(Buffer.from(lines));
    expect(Buffer.concat(passed.map(({ bytes }) => bytes)).toString()).toBe(lines);
  });

  test('a message that must not be lost is not, whatever becomes of its neighbours', () => {
    const options: FrameFaultOptions = { seed: 1, drop: ({ subject }) => (subject === 'a' ? 1 : 0) };
    const screen = new FrameFaults(options).newScreen();
    const mixed = 'MSG a 1 1\r\nx\r\nMSG b 1 1\r\ny\r\nMSG a 1 1\r\nz\r\n';
    expect(screen(Buffer.from(mixed)).map(({ bytes }) => bytes.toString())).toEqual(['MSG b 1 1\r\ny\r\n']);
  });

  test('when calm, every message passes once and at once', () => {
    const faults = new FrameFaults({ ...wild, drop: () => 1, duplicate: () => 1 });
    faults.calm();
    const screen = faults.newScreen();
    expect(screen(Buffer.from('MSG a 1 1\r\nx\r\n'))).toEqual([
      { bytes: Buffer.from('MSG a 1 1\r\nx\r\n'), until: undefined },
    ]);
  });
});

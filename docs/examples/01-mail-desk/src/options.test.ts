import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

const invalid = expect.objectContaining({ code: 'flag-invalid', exit: 2 });

describe('flags', () => {
  it('without any there is a seed and a file for the verdicts', () => {
    expect(parseOptions([])).toEqual({ seed: 1, out: 'verdicts.jsonl', json: false });
  });

  it('help is asked for, not run', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  it('every flag arrives as what it means', () => {
    const args = [
      '--input',
      'in.mbox',
      '--limit',
      '50',
      '--seed',
      '7',
      '--out',
      'o.jsonl',
      '--json',
      '--saboteur',
      '--model-url',
      'http://127.0.0.1:1/v1/',
      '--model',
      'm',
    ];
    expect(parseOptions(args)).toEqual({
      input: 'in.mbox',
      limit: 50,
      seed: 7,
      out: 'o.jsonl',
      json: true,
      saboteur: true,
      model: { url: 'http://127.0.0.1:1/v1', name: 'm' },
    });
  });

  it.each([
    [['--limit', '0'], /--limit 0/],
    [['--limit', 'many'], /--limit many/],
    [['--seed', '-1'], /--seed/],
    [['--seed', ''], /--seed/],
    [['--model', 'm'], /--model-url and --model/],
    [['--model-url', 'ftp://x', '--model', 'm'], /http or https/],
    [['--colour'], /--colour/],
    [['stray'], /stray/],
  ])('%j is refused and the flag is named', (args, message) => {
    expect(() => parseOptions(args)).toThrow(invalid);
    expect(() => parseOptions(args)).toThrow(message);
  });
});

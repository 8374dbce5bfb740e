/** Proposals, parties and their weights and keys, as words of the command line. */
import { isPublicKey } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import { z } from 'zod';
import { commandError } from '../../errors.ts';
import { decodeText, readInput, readJsonInput } from '../../input.ts';

/** The value that a word stands for, or the file after `@`, or standard input: JSON when it is JSON, else text. Throws `input-unreadable`. */
export async function readProposal(word: string): Promise<Json> {
  const text = decodeText(await readInput(word));
  if (text === undefined)
    throw commandError('input-unreadable', `${word} is not text in UTF-8; save it as UTF-8`);
  return proposalIn(text);
}

/** The value that a text stands for; one line break at its end is no part of it. */
export function proposalIn(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    if (isJson(value)) return value;
  } catch {
    // Then it is what it says.
  }
  return text.replace(/\r?\n$/, '');
}

/** The parties of `--to`. Throws `invalid-usage` when nobody is named. */
export function partiesIn(list: string = ''): readonly string[] {
  const parties = list
    .split(',')
    .map((party) => party.trim())
    .filter((party) => party !== '');
  if (parties.length > 0) return parties;
  throw commandError('invalid-usage', 'who decides? name the parties: --to <party>,<party>');
}

/** The weights of `--weights`, for some of the parties. Throws `invalid-usage`. */
export function weightsIn(list: string, parties: readonly string[]): ReadonlyMap<string, number> {
  const weights = list.split(',').map((word) => {
    const [, party, weight] = /^\s*([^=]+)=([^=]+)$/.exec(word) ?? [];
    if (party === undefined || !Number.isFinite(Number(weight)))
      throw commandError('invalid-usage', `--weights: "${word}" is no weight; write <party>=<number>`);
    if (!parties.includes(party))
      throw commandError(
        'invalid-usage',
        `--weights: ${party} is not among those of --to; correct one of both`,
      );
    return [party, Number(weight)] as const;
  });
  return new Map(weights);
}

/** The keys of `--keys`: an object of public keys by party. Throws `invalid-usage`, `invalid-json`, `input-unreadable`. */
export async function readKeys(argument: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (argument === undefined) return {};
  const given = await readJsonInput('the list of keys', argument);
  const keys = z.record(z.string(), z.string().refine(isPublicKey)).safeParse(given).data;
  if (keys !== undefined) return keys;
  const message = '--keys is an object of public keys by party, such as {"ada":"U…"}';
  throw commandError('invalid-usage', message);
}

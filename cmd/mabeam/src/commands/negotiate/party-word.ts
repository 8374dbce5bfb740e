/** A party as one word of the command line: `<id>[:<weight>][=<value>]`. */
import type { NegotiatingParty } from '@mabeam/coordination';
import { isJson, type Json } from '@mabeam/variables';
import { commandError } from '../../errors.ts';

/** The party that is meant; its value is JSON, else text. Throws `invalid-usage`. */
export function partyOf(word: string): NegotiatingParty {
  const [, party, weight, value] = /^([^:=]+)(?::([^=]+))?(?:=(.*))?$/s.exec(word) ?? [];
  if (party === undefined || (weight !== undefined && !Number.isFinite(Number(weight)))) {
    const message = `"${word}" is no party; write <id>, <id>:<weight>, <id>=<value> or <id>:<weight>=<value>`;
    throw commandError('invalid-usage', message, { details: { party: word } });
  }
  return {
    party,
    ...(weight === undefined ? {} : { weight: Number(weight) }),
    ...(value === undefined ? {} : { preferred: valueOf(value) }),
  };
}

function valueOf(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : text;
  } catch {
    return text;
  }
}

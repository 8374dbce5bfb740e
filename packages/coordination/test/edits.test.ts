import { canonicalBytes, digestOf } from '@mabeam/bus';
import { describe, expect, it } from 'vitest';
import { certify, verifyCertificate } from '../src/consensus/certificate.ts';
import { hashOfBlock, type Block } from '../src/consensus/ledger/block.ts';
import {
  certifyBlock,
  receiptSubject,
  verifyLedgerCertificate,
} from '../src/consensus/ledger/certificate.ts';
import { treeHead, verifyLedger } from '../src/consensus/ledger/chain.ts';
import {
  proveChange,
  proveContinuation,
  signersAt,
  verifyContinuation,
  verifyInclusion,
} from '../src/consensus/ledger/inclusion.ts';
import { digestOfEntries } from '../src/consensus/gossip/entry.ts';
import {
  certifyGossip,
  scopeOf,
  signSeal,
  verifyGossipCertificate,
  type GossipPaper,
} from '../src/consensus/gossip/paper.ts';
import { entryAfter, startOfLog } from '../src/consensus/log/entry.ts';
import { certifyEntry, signReceipt, verifyLogCertificate } from '../src/consensus/log/receipt.ts';
import { paperDigest, writePaper } from '../src/consensus/paper.ts';
import {
  committeeOfPaper,
  pbftPurpose,
  verifyPbftDecision,
  writePbftPaper,
} from '../src/consensus/pbft/paper.ts';
import type { Signed, Statement } from '../src/consensus/pbft/statement.ts';
import { signVote } from '../src/consensus/vote.ts';
import { edited, editsNotFound, ledgerOf, signersNamed, trickyChanges } from './ledger-stage.ts';

const edits = process.env['MABEAM_LONG'] === '1' ? 5_000 : 500;
const four = signersNamed('ada', 'bob', 'cyd', 'dan');
const names = four.members.map(({ party }) => party);
const identityOf = (party: string): ReturnType<typeof four.identities.get> & {} => {
  const identity = four.identities.get(party);
  if (identity === undefined) throw new Error(`nobody is called ${party}`);
  return identity;
};

const ledger = ledgerOf(four, ['a'], trickyChanges, [], ['b', 'c', 'd']);

/** The block at a height with the receipts of three members that read it behind all before. */
function ledgerCertificate(height: number): object {
  let tip = entryAfter(startOfLog('orders', 'ledger-books'), kept(ledger[0]));
  for (const block of ledger.slice(1, height + 1)) tip = entryAfter(tip, kept(block));
  const block = ledger[height];
  if (block === undefined) throw new Error(`there is no block ${height}`);
  const { index, before, digest } = tip;
  const place = { index, before, digest };
  const placed = { block, hash: hashOfBlock(block), place, signers: signersAt(ledger, height) };
  const receipts = names
    .slice(1)
    .map((party) => signReceipt(identityOf(party), party, receiptSubject(placed)));
  return certifyBlock(placed, receipts);
}

function kept(block: Block | undefined): Parameters<typeof entryAfter>[1] {
  return { sequence: 1 + (block?.height ?? 0), data: canonicalBytes(block), at: new Date(0) };
}

/** A vote for the second of the tricky values. */
function voteCertificate(): object {
  const paper = writePaper({
    space: 'orders',
    round: 'r1',
    algorithm: 'simple-majority',
    electorate: four.members,
    alternatives: trickyChanges,
  });
  const votes = names.map((party, i) =>
    signVote(identityOf(party), paperDigest(paper), party, i === 3 ? null : 1),
  );
  return certify(paper, { kind: 'accepted', accepted: 1 }, { votes, durationMs: 10 });
}

/** A decision of the second view, in which the choice of the first was proposed again. */
function pbftDecision(): object {
  const paper = writePbftPaper({
    space: 'orders',
    round: 'r1',
    faults: 1,
    viewMs: 100,
    electorate: [...four.members],
    alternatives: [...trickyChanges],
  });
  const { session } = committeeOfPaper(paper);
  const all = <S extends Statement>(by: readonly string[], statement: S): Signed<S>[] =>
    by.map((party) => {
      const signature = identityOf(party).sign(pbftPurpose, statement);
      return { statement, by: party, signature };
    });
  const [three, others] = [names.slice(0, 3), names.slice(1)];
  const prepares = all(three, { kind: 'prepare', session, view: 0, choice: 1 } as const);
  const prepared = { view: 0, choice: 1 };
  const changes = all(others, { kind: 'view-change', session, view: 1, prepared } as const);
  const commits = all(others, { kind: 'commit', session, view: 1, choice: 1 } as const);
  const justification = { changes, proof: { ...prepared, prepares } };
  return { paper, proof: { session, view: 1, choice: 1, commits, justification } };
}

const { keys } = four;
const [earlier, later] = [treeHead(ledger.slice(0, 3)), treeHead(ledger)];
const isValid = ({ kind }: { readonly kind: string }): boolean => kind === 'valid';
const things: readonly (readonly [string, unknown, (bytes: Uint8Array) => boolean])[] = [
  ['a ledger', ledger, (bytes) => isValid(verifyLedger(bytes))],
  ['a ledger of known keys', ledger, (bytes) => isValid(verifyLedger(bytes, { keys }))],
  ['the first block', ledger.slice(0, 1), (bytes) => isValid(verifyLedger(bytes, { keys }))],
  [
    'a proof of inclusion',
    proveChange(ledger, { height: 2, index: 1 }),
    (bytes) => isValid(verifyInclusion(bytes)),
  ],
  [
    'a proof of inclusion in the block that is known',
    proveChange(ledger, { height: 4, index: 2 }),
    (bytes) => isValid(verifyInclusion(bytes, { keys, hash: hashOf(4) })),
  ],
  [
    'a proof of continuation',
    proveContinuation(ledger, 3),
    (bytes) => verifyContinuation(bytes, earlier, later),
  ],
  ['the certificate of a block', ledgerCertificate(2), (bytes) => isValid(verifyLedgerCertificate(bytes))],
  [
    'the certificate of the first block',
    ledgerCertificate(0),
    (bytes) => isValid(verifyLedgerCertificate(bytes)),
  ],
  ['the certificate of a vote', voteCertificate(), (bytes) => isValid(verifyCertificate(bytes))],
  ['a decision among liars', pbftDecision(), (bytes) => isValid(verifyPbftDecision(bytes))],
];

function hashOf(height: number): string {
  const block = ledger[height];
  return block === undefined ? '' : hashOfBlock(block);
}

describe(`none of ${edits} random single-bit edits is overlooked`, () => {
  it.each(things)(
    'in %s',
    (_, thing, isAccepted) => {
      expect(editsNotFound(thing, isAccepted, { edits })).toEqual([]);
    },
    120_000,
  );

  it('in a ledger, and the block that was edited is named', () => {
    const bytes = Buffer.from(canonicalBytes(ledger));
    const others = ledger.flatMap((block, height) => {
      const own = Buffer.from(canonicalBytes(block));
      const at = bytes.indexOf(own) + own.indexOf('"proposer":"o') + '"proposer":"'.length;
      const verified = verifyLedger(edited(bytes, at * 8));
      return verified.kind === 'invalid' && verified.height === height ? [] : [height];
    });
    expect(others).toEqual([]);
  });
});

describe('an electorate of parties that only look like others', () => {
  // Its first letter is the Cyrillic one, and its key its own: what is known of the keys of ada says nothing about it.
  const party = '\u0430da';
  const electorate = [{ party, key: identityOf('ada').publicKey }];
  const known = { keys: { ada: identityOf('bob').publicKey } };

  it('decides nothing in a committee', () => {
    const paper = {
      v: 1,
      space: 's',
      round: 'r',
      faults: 0,
      viewMs: 1,
      electorate,
      alternatives: [1],
    } as const;
    const session = digestOf(paper);
    const statement = { kind: 'commit', session, view: 0, choice: 0 } as const;
    const commits = [{ statement, by: party, signature: identityOf('ada').sign(pbftPurpose, statement) }];
    const proof = { session, view: 0, choice: 0, commits };
    expect(verifyPbftDecision({ paper, proof }, known).kind).toBe('invalid');
  });

  it('agrees on nothing by gossip', () => {
    const terms = { everyMs: 1, fanout: 1, maxSkewMs: 1 };
    const paper: GossipPaper = { v: 1, space: 's', round: 'r', ...terms, electorate, proposal: { a: 1 } };
    const seal = { scope: scopeOf(paper), party, digest: digestOfEntries(new Map()) };
    const certificate = certifyGossip(paper, new Map(), [signSeal(identityOf('ada'), seal)]);
    expect(verifyGossipCertificate(certificate, known).kind).toBe('invalid');
  });

  it('has read nothing in a log', () => {
    const { chain: before } = startOfLog('s', 'l');
    const about = { space: 's', log: 'l', electorate, share: 'majority' } as const;
    const entry = { index: 1, before, digest: digestOf('a') };
    const receipt = signReceipt(identityOf('ada'), party, { ...about, entry });
    const certificate = certifyEntry({ ...about, entry: { index: 1, before, body: 'a' } }, [receipt]);
    expect(verifyLogCertificate(certificate, known).kind).toBe('invalid');
  });

  it('signs no block', () => {
    const members = [...electorate];
    const [first] = ledgerOf({ ...four, members, identities: new Map([[party, identityOf('ada')]]) }, []);
    expect(verifyLedger([first], known).kind).toBe('invalid');
  });
});

describe('an edit that leaves the value alone', () => {
  const respelled = (thing: unknown, from: string, to: string): Uint8Array => {
    const text = new TextDecoder().decode(canonicalBytes(thing));
    expect(text).toContain(from);
    const other = text.replace(from, to);
    expect(JSON.parse(other)).toEqual(JSON.parse(text));
    return new TextEncoder().encode(other);
  };
  const spellings = [
    ['\\u000f', '\\u000F'],
    ['-1e+30', '-1E+30'],
    ['1e-7', '1E-7'],
    ['"v":1', '"v": 1'],
    ['"v":1', '"v":2,"v":1'],
  ] as const;

  it.each([
    ['a ledger', ledger, (bytes: Uint8Array) => isValid(verifyLedger(bytes))],
    [
      'the certificate of a block',
      ledgerCertificate(2),
      (bytes: Uint8Array) => isValid(verifyLedgerCertificate(bytes)),
    ],
    [
      'the certificate of a vote',
      voteCertificate(),
      (bytes: Uint8Array) => isValid(verifyCertificate(bytes)),
    ],
    ['a decision among liars', pbftDecision(), (bytes: Uint8Array) => isValid(verifyPbftDecision(bytes))],
  ] as const)('is found in the text of %s', (_, thing, isAccepted) => {
    for (const [from, to] of spellings) expect(isAccepted(respelled(thing, from, to)), to).toBe(false);
  });
});

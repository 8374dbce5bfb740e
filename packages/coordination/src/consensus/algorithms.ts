/**
 * The algorithms by which parties decide, in one table: how each is begun, and how what came of it is verified. Who goes by a name – a
 * command line, an agent – asks here, and knows no algorithm.
 */
import type { Bus } from '@mabeam/bus';
import type { Json } from '@mabeam/variables';
import { coordinationError, coordinationErrors, type CoordinationErrorCode } from '../errors.ts';
import type { RoundOptions } from '../session/round-options.ts';
import type { Participant } from '../session/session.ts';
import { establishConsensus } from './establish.ts';
import { establishGossip } from './gossip/establish.ts';
import { gossipProtocol } from './gossip/step-subject.ts';
import { establishLedger } from './ledger/establish.ts';
import { ledgerProtocol } from './ledger/message.ts';
import { voteAlgorithms, type VoteAlgorithm, type VotingParty } from './paper.ts';
import { establishPbft } from './pbft/establish.ts';
import { pbftProtocol } from './pbft/join.ts';
import { raftProtocol } from './raft/attend.ts';
import { establishRaft } from './raft/establish.ts';
import { verifyDecision, type DecisionTrust, type DecisionVerification } from './verify-decision.ts';
import { consensusProtocol } from './vote.ts';

/** What an algorithm may be told beside the electorate and the proposal. */
export const decisionTerms = ['weights', 'threshold', 'alternatives', 'faults', 'ledger', 'group'] as const;

/** One of them. */
export type DecisionTerm = (typeof decisionTerms)[number];

/** How a decision is sought; an algorithm takes the terms that it lists. */
export interface DecisionOptions extends Omit<RoundOptions, 'requestTimeoutMs'> {
  /** The share of the weight that must be exceeded. */
  readonly threshold?: number | undefined;
  /** Further proposals. */
  readonly alternatives?: readonly Json[] | undefined;
  /** How many of the parties may lie. */
  readonly faults?: number | undefined;
  /** Which ledger of the space. */
  readonly ledger?: string | undefined;
  /** Which group's log. */
  readonly group?: string | undefined;
}

/** How it ended, whatever the algorithm: `kind` is `agreed`, with `value` and mostly a `certificate`, or another ending. */
export interface Decision {
  readonly kind: string;
  readonly round: string;
  readonly participants: readonly Participant[];
  readonly durationMs: number;
  readonly value?: unknown;
  readonly certificate?: unknown;
  readonly [field: string]: unknown;
}

type Establish = (
  bus: Bus,
  space: string,
  electorate: readonly VotingParty[],
  proposal: Json,
  options: DecisionOptions,
) => Promise<Decision>;

/** An algorithm. */
export interface DecisionAlgorithm {
  readonly name: string;
  /** The name of its protocol in subjects and events. */
  readonly protocol: string;
  /** For people, on one line. */
  readonly summary: string;
  /** Must the key of each party be known before? */
  readonly needsKeys: boolean;
  readonly takes: readonly DecisionTerm[];
  /** Begins a round, and resolves with how it ended. Throws what is misuse there, and what the bus throws. */
  readonly establish: Establish;
  /** Verifies a certificate of this algorithm, offline. Nothing is thrown. */
  readonly verify: (certificate: unknown, trust?: DecisionTrust) => DecisionVerification;
}

const voteSummaries: Readonly<Record<VoteAlgorithm, string>> = {
  'simple-majority': 'more than half of all who are asked vote for it',
  'weighted-voting': 'votes of more than --threshold of all the weight',
  unanimous: 'all vote for it',
};

const table: readonly Omit<DecisionAlgorithm, 'verify'>[] = [
  ...voteAlgorithms.map((algorithm): Omit<DecisionAlgorithm, 'verify'> => {
    const isWeighted = algorithm === 'weighted-voting';
    return {
      name: algorithm,
      protocol: consensusProtocol,
      summary: voteSummaries[algorithm],
      needsKeys: false,
      takes: isWeighted ? ['weights', 'threshold', 'alternatives'] : ['alternatives'],
      establish: async (bus, space, electorate, proposal, options) => ({
        ...(await establishConsensus(bus, space, electorate, proposal, { ...options, algorithm })),
      }),
    };
  }),
  {
    name: 'pbft',
    protocol: pbftProtocol,
    summary: 'a committee decides, although --faults of its members lie',
    needsKeys: true,
    takes: ['alternatives', 'faults'],
    establish: async (bus, space, electorate, proposal, options) => ({
      ...(await establishPbft(bus, space, keyed(electorate, 'pbft'), proposal, options)),
    }),
  },
  {
    name: 'raft',
    protocol: raftProtocol,
    summary: 'a leader with a majority writes it into a log that all read',
    needsKeys: true,
    takes: ['group'],
    establish: async (bus, space, electorate, proposal, options) => ({
      ...(await establishRaft(bus, space, keyed(electorate, 'raft'), proposal, options)),
    }),
  },
  {
    name: 'gossip',
    protocol: gossipProtocol,
    summary: 'parties tell each other until all hold the same; the proposal is a map',
    needsKeys: true,
    takes: [],
    establish: async (bus, space, electorate, proposal, options) => ({
      ...(await establishGossip(bus, space, keyed(electorate, 'gossip'), mapOf(proposal), options)),
    }),
  },
  {
    name: 'blockchain',
    protocol: ledgerProtocol,
    summary: 'two thirds sign the next block of a ledger; a list is its changes',
    needsKeys: true,
    takes: ['ledger'],
    establish: async (bus, space, electorate, proposal, options) => {
      const changes = isList(proposal) ? proposal : [proposal];
      return {
        ...(await establishLedger(bus, space, keyed(electorate, 'blockchain'), changes, options)),
      };
    },
  },
];

const algorithms = table.map((entry): DecisionAlgorithm => ({ ...entry, verify: verifierOf(entry.name) }));

/** The names of the algorithms. */
export function decisionAlgorithms(): readonly string[] {
  return algorithms.map(({ name }) => name);
}

/** The algorithm of this name. Throws `unknown-strategy`. */
export function decisionAlgorithm(name: string): DecisionAlgorithm {
  const found = algorithms.find((algorithm) => algorithm.name === name);
  if (found !== undefined) return found;
  const message = `there is no algorithm ${name}; take one of ${decisionAlgorithms().join(', ')}`;
  throw coordinationError('unknown-strategy', message, { details: { algorithm: name } });
}

/** Is a decision made by this protocol, by one of the algorithms? */
export function isDecisionProtocol(protocol: string): boolean {
  return algorithms.some((algorithm) => algorithm.protocol === protocol);
}

/** What was agreed on. Throws the code of the ending when nothing was: `rejected`, `no-majority`, `timeout` and the like. */
export function agreedDecision(decision: Decision): unknown {
  const { kind, round, participants, value } = decision;
  if (kind === 'agreed') return value;
  const missing = participants.filter(({ outcome }) => outcome !== 'replied').map(({ party }) => party);
  const who = missing.length === 0 ? 'all have answered' : `without an answer of ${missing.join(', ')}`;
  const code = isCode(kind) ? kind : 'timeout';
  throw coordinationError(code, `nothing was agreed on: ${kind}, ${who} (round ${round})`, {
    details: { round, participants },
  });
}

function verifierOf(name: string): DecisionAlgorithm['verify'] {
  return (certificate, trust) => {
    const verified = verifyDecision(certificate, trust);
    if (verified.kind === 'invalid' || verified.decision.algorithm === name) return verified;
    return { kind: 'invalid', problem: `it is of ${verified.decision.algorithm}, and not of ${name}` };
  };
}

/** Whose key is not known cannot take part where all messages are signed. Throws `invalid-proposal`, naming them. */
function keyed(
  electorate: readonly VotingParty[],
  algorithm: string,
): readonly { readonly party: string; readonly key: string }[] {
  const members = electorate.flatMap(({ party, key }) => (key === undefined ? [] : [{ party, key }]));
  if (members.length === electorate.length) return members;
  const unknown = electorate.filter(({ key }) => key === undefined).map(({ party }) => party);
  const message = `${algorithm} needs the key of each party, and that of ${unknown.join(', ')} is not known; start them, or hand their keys in`;
  throw coordinationError('invalid-proposal', message, { details: { unknown } });
}

function mapOf(proposal: Json): Readonly<Record<string, Json>> {
  if (isMap(proposal)) return proposal;
  throw coordinationError('invalid-proposal', 'what is gossiped about is a map: propose an object of JSON');
}

function isMap(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isCode(kind: string): kind is CoordinationErrorCode {
  return Object.hasOwn(coordinationErrors, kind);
}

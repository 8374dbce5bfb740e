/** What a group writes into its log: that a term has begun, and operations. Each is signed by whom it needs. Pure. */
import { digestOf, isSignedBy, type Identity } from '@mabeam/bus';
import { isJson, type Json } from '@mabeam/variables';
import * as z from 'zod';
import { groupDigest, type RaftPaper } from './paper.ts';

/** What votes and operations are signed as. */
const purpose = 'mabeam.raft.1';

const jsonSchema = z.custom<Json>((value) => isJson(value), 'not JSON');
const head = { v: z.literal(1), group: z.string(), term: z.int().min(1), leader: z.string() };
const termSchema = z.strictObject({
  ...head,
  kind: z.literal('term'),
  /** Of a majority of the electorate, in the order of their names. */
  votes: z.array(z.strictObject({ party: z.string(), signature: z.string() })).max(1_000),
});
const operationSchema = z.strictObject({
  ...head,
  kind: z.literal('operation'),
  /** An operation is done once, however often it is proposed and written. */
  id: z.string().min(1).max(128),
  body: jsonSchema,
  signature: z.string(),
});
const entrySchema = z.discriminatedUnion('kind', [termSchema, operationSchema]);

/** A term has begun: who leads it, and who elected it. */
export type TermEntry = z.infer<typeof termSchema>;
/** Something is to be done. */
export type OperationEntry = z.infer<typeof operationSchema>;
/** What a group writes. */
export type RaftEntry = TermEntry | OperationEntry;

/** Who signs and checks for a group; the simulator has others than the real world. */
export interface RaftSeal {
  /** This member's vote for a candidate. */
  readonly vote: (term: number, candidate: string) => string;
  readonly isVote: (party: string, signature: string, term: number, candidate: string) => boolean;
  /** This member's word that it leads and writes this. */
  readonly operation: (operation: Omit<OperationEntry, 'signature'>) => string;
  readonly isOperation: (operation: OperationEntry) => boolean;
}

/** Reads an entry of a log; undefined when it is none of a group. */
export function readRaftEntry(body: unknown): RaftEntry | undefined {
  return entrySchema.safeParse(body).data;
}

/** How many of a group are its majority. */
export function majorityOf({ length }: readonly unknown[]): number {
  return Math.floor(length / 2) + 1;
}

/** Signs with a member's key, and checks with the keys of the electorate. Without an identity it only checks. */
export function sealOf(paper: RaftPaper, identity?: Identity): RaftSeal {
  const group = groupDigest(paper);
  const keys = new Map(paper.electorate.map(({ party, key }) => [party, key]));
  const check = (party: string, statement: unknown, signature: string): boolean => {
    const key = keys.get(party);
    return key !== undefined && isSignedBy(key, purpose, statement, signature);
  };
  const sign = (statement: unknown): string => identity?.sign(purpose, statement) ?? '';
  const voteOn = (term: number, candidate: string): unknown => ({ kind: 'vote', group, term, candidate });
  return {
    vote: (term, candidate) => sign(voteOn(term, candidate)),
    isVote: (party, signature, term, candidate) => check(party, voteOn(term, candidate), signature),
    operation: (operation) => sign(statementOf(operation)),
    isOperation: (operation) => check(operation.leader, statementOf(operation), operation.signature),
  };
}

function statementOf(operation: Omit<OperationEntry, 'signature'>): unknown {
  const { body, group, id, kind, leader, term } = operation;
  return { kind, group, term, leader, id, body: digestOf(body) };
}

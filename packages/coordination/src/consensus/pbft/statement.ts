/**
 * What a member of a committee signs: three statements, each about one view of one session. Pure.
 *
 * The session's name stands for everything that was fixed before it began (the digest of its ballot paper), and a choice is the place
 * of an alternative on that paper: what nobody proposed cannot be said.
 */
import * as z from 'zod';

const view = z.int().min(0);
const choice = z.int().min(0);
const place = z.strictObject({ view, choice });

const prepareSchema = z.strictObject({ kind: z.literal('prepare'), session: z.string(), view, choice });
const commitSchema = z.strictObject({ kind: z.literal('commit'), session: z.string(), view, choice });
const proposeSchema = z.strictObject({ kind: z.literal('propose'), session: z.string(), view, choice });
const viewChangeSchema = z.strictObject({
  kind: z.literal('view-change'),
  session: z.string(),
  /** The view that is asked for. */
  view,
  /** The last view in which its author was prepared, and for what; `null` when it never was. */
  prepared: z.union([z.null(), place]),
});

/** The primary of a view puts a choice forward. */
export type Propose = z.infer<typeof proposeSchema>;
/** "I take this choice in this view"; an honest member says it of one choice a view. */
export type Prepare = z.infer<typeof prepareSchema>;
/** "A quorum has taken this choice in this view." */
export type Commit = z.infer<typeof commitSchema>;
/** "I have left all views before this one, and this is the last in which I was prepared." */
export type ViewChange = z.infer<typeof viewChangeSchema>;

/** What is signed. */
export type Statement = Propose | Prepare | Commit | ViewChange;

const signed = <S extends z.ZodType>(statement: S) =>
  z.strictObject({ statement, by: z.string(), signature: z.string() });

export const signedSchemas: {
  readonly propose: z.ZodType<Signed<Propose>>;
  readonly prepare: z.ZodType<Signed<Prepare>>;
  readonly commit: z.ZodType<Signed<Commit>>;
  readonly viewChange: z.ZodType<Signed<ViewChange>>;
} = {
  propose: signed(proposeSchema),
  prepare: signed(prepareSchema),
  commit: signed(commitSchema),
  viewChange: signed(viewChangeSchema),
};

/** A statement with its author's signature. */
export interface Signed<S extends Statement = Statement> {
  readonly statement: S;
  readonly by: string;
  readonly signature: string;
}

/** Tells whether a member signed a statement. */
export type SignatureCheck = (signed: Signed) => boolean;

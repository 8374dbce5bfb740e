/**
 * Replays a run of the mail desk offline, without bus and processes: the same specialists, judge, auditor and rule, on the same mail in the
 * same order. What the live desk does late is late here too: feedback reaches the learners `feedbackLag` mails after its verdict, and a
 * raised alarm changes the team `adaptationLag` mails later. A specialist that joins has learned from all feedback kept so far, which is
 * the state it would have if it had listened from the beginning. The control is judged beside it, with only the new team withheld. Some
 * mails later the larger team negotiates its threshold, as the specialists of the live desk do.
 *
 * Labels are used in two places only: in feedback (a share of the mails, drawn by the seed) and, afterwards, for the figures.
 */
import type { Corpus } from '../src/corpus.ts';
import type { Label } from '../src/mail-entry.ts';
import type { ParsedMail } from '../src/mail.ts';
import { newQualityWatch, watchQuality, type QualitySettings, type QualityWatch } from '../src/quality.ts';
import type { Audit } from '../src/scores.ts';
import { noOpinions, noteOpinion, preferredThreshold, type OwnOpinions } from '../src/preferred-threshold.ts';
import { seededRandom } from '../src/seeded.ts';
import { headersSpecialist } from '../src/specialists/headers.ts';
import { linksSpecialist } from '../src/specialists/links.ts';
import type { Learner, Opinion, Specialist } from '../src/specialists/opinion.ts';
import { styleSpecialist } from '../src/specialists/style.ts';
import { wordsSpecialist } from '../src/specialists/words.ts';
import {
  freshRecord,
  noteAudit,
  weightOf,
  type AuditedOpinions,
  type TrackRecord,
} from '../src/track-record.ts';
import { combineOpinions } from '../src/verdict.ts';

export interface ReplayOptions {
  readonly seed: number;
  readonly team: readonly string[];
  readonly joining: readonly string[];
  readonly threshold: number;
  readonly feedbackShare: number;
  readonly feedbackLag: number;
  readonly adaptationLag: number;
  readonly quality: QualitySettings;
}

/** One mail of a replay: its truth, and both verdicts. */
export interface ReplayedMail {
  readonly phase: number;
  readonly truth: Label;
  readonly control: Label;
  readonly adapted: Label;
  /** How likely it is spam in the eyes of the larger team, whether that judged it or not. */
  readonly probability: number;
}

export interface Replay {
  readonly mails: readonly ReplayedMail[];
  /** Which mails (by place) were the last to be audited when the alarm fired; the first one changes the team. */
  readonly alarms: readonly number[];
  /** What came back of each audited mail, in the order it came. */
  readonly audits: readonly AuditedOpinions[];
  /** What the larger team agreed on for its threshold, and before which mail; absent when it had nothing to say, or never met. */
  readonly negotiated?: { readonly at: number; readonly threshold: number };
}

/** Mails that pass until all of the larger team have been seen at work. */
const NEGOTIATION_LAG = 100;

/** A specialist with its state, so that those of different kinds can stand in one list. */
interface Desk {
  readonly id: string;
  readonly ask: (mail: ParsedMail) => Opinion;
  readonly tell: (mail: ParsedMail, label: Label) => void;
  /** The threshold that would suit it. */
  readonly prefers: () => number | undefined;
}

interface Pending {
  readonly at: number;
  readonly mail: ParsedMail;
  readonly audit: Audit;
  /** What each said of it. */
  readonly opinions: Readonly<Record<string, number>>;
}

/** Replays the mails of a corpus; `parsed` gives the parsed mail of an entry by id. */
export function replayMail(
  corpus: Corpus,
  parsed: ReadonlyMap<string, ParsedMail>,
  options: ReplayOptions,
): Replay {
  const random = seededRandom(options.seed + 7_919);
  const desks = [
    seated(headersSpecialist()),
    seated(wordsSpecialist()),
    seated(linksSpecialist()),
    seated(styleSpecialist()),
  ];
  const pending: Pending[] = [];
  const mails: ReplayedMail[] = [];
  const alarms: number[] = [];
  const audits: AuditedOpinions[] = [];
  let watch = newQualityWatch();
  let record = freshRecord();
  let negotiated: Replay['negotiated'];
  for (const [phase, { entries }] of corpus.phases.entries()) {
    for (const { id, label } of entries) {
      const mail = parsed.get(id);
      if (mail === undefined || label === undefined)
        throw new Error(`mail ${id} has no label or was not parsed`);
      const at = mails.length;
      const due = pending.filter((each) => each.at + options.feedbackLag <= at);
      for (const { audit, opinions: said } of due) {
        audits.push({ label: audit.truth, opinions: said });
        record = noteAudit(record, { label: audit.truth, opinions: said });
      }
      watch = catchUp(desks, pending, watch, { at, options, alarms });
      if (alarms[0] !== undefined && at === alarms[0] + options.adaptationLag + NEGOTIATION_LAG)
        negotiated = negotiate(desks, record, at);
      const opinions = Object.fromEntries(desks.map((desk) => [desk.id, desk.ask(mail)]));
      const adapted = alarms[0] !== undefined && at >= alarms[0] + options.adaptationLag;
      const control = judge(opinions, options.team, options.threshold);
      const verdict = adapted
        ? judge(opinions, [...options.team, ...options.joining], options.threshold)
        : control;
      if (random() < options.feedbackShare)
        pending.push({ at, mail, audit: { truth: label, verdict }, opinions: toldOf(opinions) });
      const { probability } = combineOpinions(opinions, options.threshold);
      mails.push({ phase, truth: label, control, adapted: verdict, probability });
    }
  }
  return { mails, alarms, audits, ...(negotiated === undefined ? {} : { negotiated }) };
}

/** Hands the feedback that is due to the learners and to the auditor. */
function catchUp(
  desks: readonly Desk[],
  pending: Pending[],
  before: QualityWatch,
  now: { readonly at: number; readonly options: ReplayOptions; readonly alarms: number[] },
): QualityWatch {
  let watch = before;
  while (pending[0] !== undefined && pending[0].at + now.options.feedbackLag <= now.at) {
    const { mail, audit } = pending[0];
    pending.shift();
    for (const desk of desks) desk.tell(mail, audit.truth);
    const step = watchQuality(watch, audit, now.options.quality);
    if (step.fired) now.alarms.push(now.at);
    watch = step.watch;
  }
  return watch;
}

function judge(
  opinions: Readonly<Record<string, Opinion>>,
  team: readonly string[],
  threshold: number,
): Label {
  return combineOpinions(
    Object.fromEntries(Object.entries(opinions).filter(([id]) => team.includes(id))),
    threshold,
  ).label;
}

/** The mean of what they would like, weighed as the chair weighs it; undefined when nobody has anything to say. */
function negotiate(desks: readonly Desk[], record: TrackRecord, at: number): Replay['negotiated'] {
  const wishes = desks.flatMap((desk) => {
    const preferred = desk.prefers();
    return preferred === undefined ? [] : [{ preferred, weight: weightOf(record, desk.id) }];
  });
  const total = wishes.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return undefined;
  const threshold = wishes.reduce((sum, { preferred, weight }) => sum + preferred * weight, 0) / total;
  return { at, threshold };
}

function toldOf(opinions: Readonly<Record<string, Opinion>>): Readonly<Record<string, number>> {
  const said = Object.entries(opinions).filter(([, { abstains }]) => abstains !== true);
  return Object.fromEntries(said.map(([id, { probability }]) => [id, probability]));
}

/** A specialist at its desk: what it has learned, if it learns, and its own opinions on what it was told. */
function seated<S, T>(specialist: Specialist<S, T> | Learner<S, T>): Desk {
  const { fresh, id, opinion, settings } = specialist;
  let state = fresh();
  let own: OwnOpinions = noOpinions();
  return {
    id,
    ask: (mail) => opinion(state, mail, settings),
    tell: (mail, label) => {
      const { abstains, probability } = opinion(state, mail, settings);
      if (abstains !== true) own = noteOpinion(own, label, probability);
      if ('learn' in specialist) state = specialist.learn(state, mail, label, settings);
    },
    prefers: () => preferredThreshold(own),
  };
}

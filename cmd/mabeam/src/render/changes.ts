/** What has changed in a space, a line of JSON or of text for each thing. Pure. */
import type { SpaceChange, VariableChange } from '@mabeam/variables';
import { shownCause } from './cause.ts';
import { oneLine, shownTime, shownValue, type Paint } from './table.ts';

/** One thing that has changed. */
export type News =
  | {
      readonly kind: 'value';
      readonly id: string;
      /** Revision of the value. */
      readonly revision: number;
      readonly from: unknown;
      readonly to: unknown;
      readonly by?: string | undefined;
      readonly at?: string | undefined;
      readonly cause?: string | undefined;
    }
  | {
      readonly kind: 'created' | 'deleted' | 'redefined';
      readonly id: string;
      readonly revision: number;
      readonly value: unknown;
    }
  | { readonly kind: 'rejected'; readonly key: string; readonly revision: number; readonly problem: string }
  | { readonly kind: 'graph'; readonly revision: number; readonly graph: unknown }
  | { readonly kind: 'frozen'; readonly revision: number; readonly by: string; readonly reason: string }
  | { readonly kind: 'unfrozen'; readonly revision: number };

/** The news in a change: of these variables, or of everything when none are named. */
export function newsOf(change: SpaceChange, ids: readonly string[]): readonly News[] {
  const isMeant = (id: string | undefined): boolean =>
    ids.length === 0 || (id !== undefined && ids.includes(id));
  const { graph } = change.view;
  return [
    ...change.changes
      .filter(({ id }) => isMeant(id))
      .flatMap((each) => newsOfVariable(each, change.revision)),
    ...change.rejections
      .filter(({ id }) => isMeant(id))
      .map(({ key, revision, message }) => ({ kind: 'rejected', key, revision, problem: message }) as const),
    ...(change.hasNewGraph && ids.length === 0
      ? [
          {
            kind: 'graph',
            revision: graph?.revision ?? change.revision,
            graph: graph?.graph ?? null,
          } as const,
        ]
      : []),
    ...(ids.length === 0 ? newsOfFreeze(change) : []),
  ];
}

function newsOfFreeze({ hasNewFreeze, revision, view: { freeze } }: SpaceChange): readonly News[] {
  if (!hasNewFreeze) return [];
  if (freeze === undefined) return [{ kind: 'unfrozen', revision }];
  return [{ kind: 'frozen', revision: freeze.revision, by: freeze.by, reason: freeze.reason }];
}

function newsOfVariable({ id, from, to }: VariableChange, revision: number): readonly News[] {
  if (to === undefined) return [{ kind: 'deleted', id, revision, value: from?.value }];
  const isNew = to.revision !== from?.revision || from.value !== to.value;
  const news: News[] = [];
  if (from === undefined)
    news.push({ kind: 'created', id, revision: to.definitionRevision, value: to.value });
  else if (from.definitionRevision !== to.definitionRevision)
    news.push({ kind: 'redefined', id, revision: to.definitionRevision, value: to.value });
  if (from !== undefined && isNew && to.entry !== undefined) {
    const { at, by, cause } = to.entry;
    news.push({ kind: 'value', id, revision: to.revision, from: from.value, to: to.value, by, at, cause });
  }
  return news;
}

/** A piece of news on one line. */
export function renderNews(news: News, paint: Paint): string {
  const head = `${paint(['dim'], String(news.revision).padStart(6))}  `;
  switch (news.kind) {
    case 'value': {
      const { at, by = '', cause = '' } = news;
      const when = at === undefined ? '' : `${shownTime(new Date(at))}  `;
      const what = `${paint(['bold'], news.id)} = ${shownValue(news.to, 500)}`;
      return `${head}${paint(['dim'], when)}${what}  ${paint(['dim'], `${oneLine(by)}: ${shownCause(cause)}`)}`;
    }
    case 'rejected':
      return `${head}${paint(['red'], `${oneLine(news.key)} refused`)}: ${oneLine(news.problem)}`;
    case 'frozen':
      return `${head}${paint(['yellow'], 'frozen')} by ${oneLine(news.by)}: ${oneLine(news.reason)}`;
    case 'unfrozen':
      return `${head}no longer frozen`;
    case 'graph':
      return `${head}graph = ${shownValue(news.graph, 500)}`;
    case 'created':
    case 'deleted':
    case 'redefined':
      return `${head}${paint(['bold'], news.id)} ${news.kind}, ${shownValue(news.value, 500)}`;
  }
}

import { MabeamError } from '@mabeam/bus';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { agentActions, parseDirective } from './directive.ts';

const subject = (verb: string): string => `mabeam.desk.command.agent.words.orchestrator.${verb}`;
const body = { id: 'd-1', leaderRevision: 4 };

describe('a directive', () => {
  it('has its addressee, sender and verb from its subject, whatever its body says', () => {
    expect(parseDirective(subject('stop'), { ...body, from: 'judge', verb: 'start' })).toEqual({
      ...body,
      to: 'words',
      from: 'orchestrator',
      verb: 'stop',
      parameters: {},
    });
  });

  it('there are the nine of the seed; five of them a member answers', () => {
    const actions = Object.entries(agentActions);
    expect(actions).toHaveLength(9);
    expect(actions.filter(([, who]) => who === 'member').map(([verb]) => verb)).toEqual([
      'stop',
      'reconfigure',
      'change-role',
      'update-communication',
      'adjust-parameters',
    ]);
  });

  it('an unknown verb is refused, and so is a name that only objects know', () => {
    for (const verb of ['dance', 'constructor', '']) {
      expect(() => parseDirective(subject(verb), body)).toThrow(
        expect.objectContaining({ code: 'unknown-verb' }),
      );
    }
  });

  it.each([
    [{}, /id/],
    [{ id: 'd-1' }, /leaderRevision/],
    [{ ...body, id: 'a.b' }, /id: must be one token/],
    [{ ...body, leaderRevision: -1 }, /leaderRevision/],
    [{ ...body, revision: 1.5 }, /revision/],
    [{ ...body, parameters: 7 }, /parameters/],
    [null, /body/],
  ])('%j is malformed, and the message names the field', (wrong, message) => {
    expect(() => parseDirective(subject('stop'), wrong)).toThrow(
      expect.objectContaining({ code: 'invalid-directive', message: expect.stringMatching(message) }),
    );
  });

  test.prop([fc.string(), fc.anything()])('whatever comes is read or refused by a code', (verb, given) => {
    try {
      expect(parseDirective(subject(verb), given).verb).toBe(verb);
    } catch (error) {
      expect(error).toBeInstanceOf(MabeamError);
    }
  });
});

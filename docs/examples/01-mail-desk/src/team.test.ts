import { describe, expect, it } from 'vitest';
import { defaultDeskSettings } from './desk-settings.ts';
import { readTeams } from './team.ts';

describe('the teams of a run', () => {
  it('begin and grow as the settings say with which the replays were made', async () => {
    const { desk } = await readTeams({ labels: 'labels.json' });
    const { team, joining, threshold } = defaultDeskSettings();
    const initial = Object.fromEntries(desk.variables.map((variable) => [variable.id, variable.initial]));
    expect(initial).toMatchObject({ specialists: team, threshold });
    expect(desk.rules.map(({ by }) => by)).toEqual([{ add: joining }]);
  });

  it('are the same but for the rule: only the revision is withheld from the control', async () => {
    const { desk, control } = await readTeams({ labels: 'labels.json' });
    expect(control).toEqual({ ...desk, space: 'mail-desk-control', rules: [] });
    expect(desk.agents.find(({ id }) => id === 'auditor')?.config).toEqual({ labels: 'labels.json' });
  });

  it('without labels all specialists take part from the beginning', async () => {
    const { desk } = await readTeams({ labels: 'labels.json', isWholeBench: true });
    const specialists = desk.variables.find(({ id }) => id === 'specialists');
    expect(specialists?.initial).toEqual(specialists?.agents);
  });
});

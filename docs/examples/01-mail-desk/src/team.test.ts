import { describe, expect, it } from 'vitest';
import { benchOf } from './desk-settings.ts';
import { readDefinition, readTeams } from './team.ts';

describe('the teams of a run', () => {
  it('begin with two of the four specialists and call in the other two', async () => {
    const { desk } = await readTeams({ labels: 'labels.json' });
    const { team, joining, threshold } = benchOf(desk);
    const specialists = desk.variables.find(({ id }) => id === 'specialists')?.agents ?? [];
    expect(team).toEqual(['links', 'style']);
    expect([...team, ...joining].toSorted()).toEqual([...specialists].toSorted());
    expect(threshold).toBe(0.5);
  });

  it('whoever cannot have a bench read from it is no desk', () => {
    expect(() => benchOf({ rules: [], variables: [] })).toThrow(/expected array/);
  });

  it('reserve of their pool, with every specialist and all the readers, no more than there is', async () => {
    const { agents, pool } = await readDefinition();
    const most = agents.map(({ bounds, resources }) => (resources?.memory ?? 0) * (bounds?.max ?? 1));
    const memory = most.reduce((sum, each) => sum + each, 0);
    expect(memory).toBeGreaterThan(0);
    expect(memory).toBeLessThanOrEqual(pool?.memory ?? 0);
  });

  it('are the same but for the rules and who calls rounds: only revisions are withheld from the control', async () => {
    const { desk, control } = await readTeams({ labels: 'labels.json' });
    const agents = desk.agents.filter(({ id }) => id !== 'chair');
    expect(control).toEqual({ ...desk, space: 'mail-desk-control', agents, rules: [] });
    expect(desk.agents.length - agents.length).toBe(1);
    expect(desk.agents.find(({ id }) => id === 'auditor')?.config).toEqual({ labels: 'labels.json' });
  });

  it('a saboteur sits on the bench of both from the beginning, wired as the others', async () => {
    const { desk, control } = await readTeams({ labels: 'labels.json', saboteur: true });
    for (const { agents, variables } of [desk, control]) {
      expect(agents.map(({ id }) => id)).toContain('contrary');
      expect(variables.find(({ id }) => id === 'specialists')?.initial).toEqual([
        'links',
        'style',
        'contrary',
      ]);
      expect(variables.find(({ id }) => id === 'wiring')?.agents).toContain('contrary');
    }
  });

  it('without labels all specialists take part from the beginning', async () => {
    const { desk } = await readTeams({ labels: 'labels.json', isWholeBench: true });
    const specialists = desk.variables.find(({ id }) => id === 'specialists');
    expect(specialists?.initial).toEqual(specialists?.agents);
  });
});

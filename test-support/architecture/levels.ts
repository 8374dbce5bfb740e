// Who lives on which floor: the one table. docs/architecture.md shows the same one, and a rule holds the two together.
// An import points to a smaller number, or it is a violation; so is a dependency in a package.json.

export interface Room {
  /** A workspace folder; a last segment `*` means every folder there. */
  readonly room: string;
  readonly level: number;
}

/** `testing` sits above everything that ships: tests alone may reach up to it. */
export const testingRoom = 'packages/testing';

/** `bench` measures everything, beside the bare client: it has a lock file of its own and takes the packages from the root. */
export const benchRoom = 'bench';

export const rooms: readonly Room[] = [
  { room: 'packages/bus', level: 0 },
  { room: 'packages/variables', level: 1 },
  { room: 'packages/telemetry', level: 1 },
  { room: 'packages/coordination', level: 2 },
  { room: 'packages/agents', level: 3 },
  { room: 'packages/cluster', level: 4 },
  { room: 'packages/orchestrator', level: 5 },
  { room: 'cmd/node', level: 7 },
  { room: 'cmd/orchestrator', level: 7 },
  { room: 'cmd/observer', level: 7 },
  { room: 'cmd/mabeam', level: 8 },
  { room: 'docs/examples/*', level: 9 },
  { room: testingRoom, level: 10 },
  { room: benchRoom, level: 10 },
];

/** The level of a workspace folder, undefined when the table has no row for it. */
export function levelOf(folder: string, table: readonly Room[] = rooms): number | undefined {
  const parent = folder.slice(0, folder.lastIndexOf('/'));
  return table.find(({ room }) => room === folder || room === `${parent}/*`)?.level;
}

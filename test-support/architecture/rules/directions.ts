// Where an import may point: down, to what is declared, through the public door, in no circle.
import { fileOf, memberOf, type House, type Import, type Member, type SourceFile } from '../house.ts';
import { benchRoom, testingRoom } from '../levels.ts';
import type { Violation } from '../tree.ts';
import { circlesIn } from './circles.ts';

/** An import or a dependency on another workspace points to a smaller level; tests may also reach up to `testing`. */
export function upwardImports(house: House): readonly Violation[] {
  const rule = 'levels';
  const unplaced = house.members
    .filter(({ folder, level }) => folder !== '' && level === undefined)
    .map(({ folder }) => ({
      rule,
      file: `${folder}/package.json`,
      message: 'has no row in the level table',
    }));
  const declared = house.members.flatMap((member) =>
    [...member.dependencies].flatMap((name) => {
      const other = house.members.find((one) => one.name === name);
      const fine = other === undefined || member.folder === '' || isBelow(other, member);
      return fine
        ? []
        : [{ rule, file: `${member.folder}/package.json`, message: `depends upwards on ${name}` }];
    }),
  );
  const imported = eachImport(house).flatMap(([file, one]) => {
    const other = otherMember(house, file, one);
    if (other === undefined || mayKnow(file, other)) return [];
    return [{ rule, file: file.path, line: one.line, message: `imports upwards from ${other.name}` }];
  });
  return [...unplaced, ...declared, ...imported];
}

/** Every imported package is declared by the workspace that imports it; tests may also use the root's tools. */
export function undeclaredImports(house: House): readonly Violation[] {
  const root = house.members.find(({ folder }) => folder === '');
  const workspaces = new Set(house.members.map(({ name }) => name));
  return eachImport(house).flatMap(([file, { target, line }]) => {
    if (target.kind !== 'package') return [];
    const { member, test } = file;
    const tool = test && (member.devDependencies.has(target.name) || root?.devDependencies.has(target.name));
    const known =
      test && (target.name === member.name || house.members.some((one) => isTesting(one, target.name)));
    const shared = ['', benchRoom].includes(member.folder) && workspaces.has(target.name);
    if (member.dependencies.has(target.name) || tool || known || shared) return [];
    const manifest = member.folder === '' ? 'package.json' : `${member.folder}/package.json`;
    return [
      { rule: 'declared', file: file.path, line, message: `${target.name} is not declared in ${manifest}` },
    ];
  });
}

/** Another workspace is entered through a subpath of its `exports`, never by a path into it. */
export function deepImports(house: House): readonly Violation[] {
  const rule = 'exports';
  return eachImport(house).flatMap(([file, { target, specifier, line }]) => {
    if (target.kind === 'file') {
      const inside =
        memberOf(house.members, target.path)?.folder === file.member.folder && !target.path.startsWith('..');
      return inside ? [] : [{ rule, file: file.path, line, message: `${specifier} leaves its workspace` }];
    }
    if (target.kind === 'builtin') return [];
    const other = house.members.find(({ name }) => name === target.name);
    if (other === undefined || other.exports.has(target.subpath)) return [];
    return [{ rule, file: file.path, line, message: `${other.name} does not export ${target.subpath}` }];
  });
}

const guarded = [
  { what: /^@nats-io\//, who: /^(?:packages\/bus|bench)$/, message: 'only packages/bus speaks NATS' },
  {
    what: /^@opentelemetry\/(?:sdk-|exporter|otlp-|context-async-hooks)/,
    who: /^(?:packages\/telemetry|cmd\/[^/]+)$/,
    message: 'only packages/telemetry and cmd load the OpenTelemetry SDK',
  },
];

/** Some packages have one home: NATS in the bus, the OpenTelemetry SDK in telemetry and the commands. */
export function misplacedImports(house: House): readonly Violation[] {
  return eachImport(house).flatMap(([file, { specifier, line }]) =>
    guarded
      .filter(({ what, who }) => what.test(specifier) && !who.test(file.member.folder))
      .map(({ message }) => ({
        rule: 'homes',
        file: file.path,
        line,
        message: `${message}, not ${specifier}`,
      })),
  );
}

/** No circle of files, and none of workspaces; an import of types counts like any other. */
export function importCircles(house: House): readonly Violation[] {
  const files = new Map<string, Set<string>>(house.files.map((file) => [file.path, new Set()]));
  const workspaces = new Map<string, Set<string>>(house.members.map(({ name }) => [name, new Set()]));
  for (const [file, one] of eachImport(house)) {
    const path = one.kind === 'resolve' ? undefined : fileOf(house, one.target);
    if (path !== undefined) files.get(file.path)?.add(path);
    const other = file.test ? undefined : otherMember(house, file, one);
    if (other !== undefined) workspaces.get(file.member.name)?.add(other.name);
  }
  return [...circlesIn(files), ...circlesIn(workspaces)].map((circle) => ({
    rule: 'circles',
    file: circle[0] ?? '',
    message: `imports in a circle: ${circle.join(' → ')}`,
  }));
}

function eachImport(house: House): readonly (readonly [SourceFile, Import])[] {
  return house.files.flatMap((file) => file.imports.map((one) => [file, one] as const));
}

function otherMember(house: House, file: SourceFile, { target }: Import): Member | undefined {
  if (target.kind !== 'package') return undefined;
  if (file.test && target.name === file.member.name) return undefined;
  return house.members.find(({ name }) => name === target.name);
}

function mayKnow(file: SourceFile, other: Member): boolean {
  if (file.member.folder === '') return true;
  return isBelow(other, file.member) || (file.test && other.folder === testingRoom);
}

function isBelow(lower: Member, upper: Member): boolean {
  return lower.level !== undefined && upper.level !== undefined && lower.level < upper.level;
}

function isTesting(member: Member, name: string): boolean {
  return member.folder === testingRoom && member.name === name;
}

import { dirname } from 'node:path';

/** Every package, command or example with a tsconfig.json gets build, lint and test. */
export const createNodes = [
  '{packages,cmd,docs/examples}/*/tsconfig.json',
  (files) =>
    files.map((file) => {
      const root = dirname(file);
      const dev = { externalDependencies: ['typescript', 'vitest', 'oxlint', 'oxlint-tsgolint'] };
      return [
        file,
        {
          projects: {
            [root]: {
              targets: {
                build: {
                  command: `tsc -b ${root}`,
                  dependsOn: ['^build'],
                  inputs: ['production', '^production', dev],
                  outputs: ['{projectRoot}/dist'],
                  cache: true,
                },
                lint: {
                  command: `oxlint --deny-warnings ${root}`,
                  inputs: ['default', '^production', '{workspaceRoot}/.oxlintrc.json', dev],
                  cache: true,
                },
                test: {
                  command: `vitest run ${root}/ --passWithNoTests`,
                  inputs: ['default', '^production', '{workspaceRoot}/vitest.config.ts', dev],
                  cache: true,
                },
              },
            },
          },
        },
      ];
    }),
];

import { PROFILE_WORDS, PROFILES } from '../../format/index.ts';
import { chooseProfile, MACHINE_SETTINGS, parseProfile, type ProfileReading, readProfile } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatTable } from '../output/table.ts';
import type { Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command.argument('[profile]', `${PROFILES.join(', ')}; without one, show which is in force`);
  return async ({ home, globals, stdout }) => {
    const [text] = command.args;
    const chosen = text === undefined ? undefined : parseProfile(text);
    if (chosen !== undefined && globals.dryRun !== true) await chooseProfile(home, chosen);
    const reading = await readProfile(home);
    const isOverruled = chosen !== undefined && globals.dryRun !== true && reading.profile !== chosen;
    return {
      kind: 'document',
      document: { ...reading, profiles: PROFILES },
      text: `${textOf(reading, stdout.style)}${isOverruled ? `${stdout.style.strong('hint')}: \`${MACHINE_SETTINGS}\` insists on \`${reading.profile}\`\n` : ''}`,
    };
  };
};

function textOf({ profile, chosenBy }: ProfileReading, style: Style): string {
  const rows = PROFILES.map((name) => [name === profile ? style.good(`* ${name}`) : `  ${name}`, style.dim(PROFILE_WORDS[name])]);
  return `${formatTable(rows)}${chosenBy === 'default' ? 'the default' : `chosen by the ${chosenBy}`}\n`;
}

import { type SessionConfigOption, RequestError } from '@agentclientprotocol/sdk';
import type { Conversation } from '../../conversation/conversation.ts';
import { type ModelInfo, THINKING_LEVELS } from '../../model/port.ts';
import { modesUpTo, type OfferedMode } from './approval-modes.ts';

/** What can be chosen in a session, as things are now. Editors that know these do without modes. */
export function configOptions(
  { model, thinking }: Pick<Conversation, 'model' | 'thinking'>,
  models: readonly ModelInfo[],
  mode: { readonly ceiling: OfferedMode; readonly current: OfferedMode },
): SessionConfigOption[] {
  const level = thinking ?? 'off';
  return [
    {
      id: 'mode',
      name: 'Mode',
      category: 'mode',
      type: 'select',
      currentValue: mode.current,
      options: modesUpTo(mode.ceiling).map(({ id, name, description }) => ({ value: id, name, description: description ?? null })),
    },
    ...(model === undefined
      ? []
      : [
          {
            id: 'model',
            name: 'Model',
            category: 'model',
            type: 'select' as const,
            currentValue: referenceOf(model),
            options: models.map((each) => ({ value: referenceOf(each), name: each.name, description: each.provider })),
          },
        ]),
    ...(model?.reasoning === true
      ? [
          {
            id: 'thinking',
            name: 'Thinking',
            category: 'thought_level',
            type: 'select' as const,
            currentValue: level,
            options: ['off', ...THINKING_LEVELS].map((value) => ({ value, name: value })),
          },
        ]
      : []),
  ];
}

/** Chooses the model or the thinking level that a client names. @throws {RequestError} invalid params */
export function chooseOption(conversation: Conversation, models: readonly ModelInfo[], id: string, value: string): void {
  switch (id) {
    case 'model': {
      const model = models.find((each) => referenceOf(each) === value);
      if (model === undefined) throw RequestError.invalidParams(undefined, `there is no model \`${value}\` with credentials`);
      return conversation.setModel(model);
    }
    case 'thinking': {
      const level = THINKING_LEVELS.find((each) => each === value);
      if (level === undefined && value !== 'off') throw RequestError.invalidParams(undefined, `there is no thinking level \`${value}\``);
      return conversation.setThinking(level);
    }
    default:
      throw RequestError.invalidParams(undefined, `there is nothing to choose called \`${id}\``);
  }
}

function referenceOf({ provider, id }: ModelInfo): string {
  return `${provider}/${id}`;
}

import { Type } from '@sinclair/typebox';
import type { PlainArea } from '../../format/index.ts';
import { defineCapability, type Need } from '../define-capability.ts';

/** Notes, dialogs and plain surfaces. What a front end cannot show it refuses itself. */
const closed = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: 16_384 });
const TimeoutMs = Type.Optional(Type.Number({ minimum: 0 }));

export function needArea(area: PlainArea, target: string): readonly Need[] {
  return [{ effect: { kind: 'area', area }, target }];
}

export const notify = defineCapability({
  kind: 'request',
  name: 'ui.notify',
  params: Type.Object({ message: Text, level: Type.Union([Type.Literal('info'), Type.Literal('warning'), Type.Literal('error')]) }, closed),
  needs: ({ level }) => needArea('ui:notify', level),
  run: ({ message, level }, { ports, packageName }) => {
    ports.ui.notify(message, level, packageName);
    return {};
  },
});

export const select = defineCapability({
  kind: 'request',
  name: 'ui.select',
  waitsForPerson: true,
  params: Type.Object({ title: Text, choices: Type.Array(Text, { maxItems: 1_000 }), timeoutMs: TimeoutMs }, closed),
  needs: () => needArea('ui:prompt', 'select'),
  run: async ({ title, choices, timeoutMs }, { ports, packageName: by }, { signal }) => ports.ui.select(title, choices, { by, signal, timeoutMs }),
});

export const confirm = defineCapability({
  kind: 'request',
  name: 'ui.confirm',
  waitsForPerson: true,
  params: Type.Object({ title: Text, message: Text, timeoutMs: TimeoutMs }, closed),
  needs: () => needArea('ui:prompt', 'confirm'),
  run: async ({ title, message, timeoutMs }, { ports, packageName: by }, { signal }) => ports.ui.confirm(title, message, { by, signal, timeoutMs }),
});

export const input = defineCapability({
  kind: 'request',
  name: 'ui.input',
  waitsForPerson: true,
  params: Type.Object({ title: Text, placeholder: Type.Optional(Text), timeoutMs: TimeoutMs }, closed),
  needs: () => needArea('ui:prompt', 'input'),
  run: async ({ title, placeholder, timeoutMs }, { ports, packageName: by }, { signal }) => ports.ui.input(title, placeholder, { by, signal, timeoutMs }),
});

export const editor = defineCapability({
  kind: 'request',
  name: 'ui.editor',
  waitsForPerson: true,
  params: Type.Object({ title: Text, prefill: Type.Optional(Type.String({ maxLength: 1_000_000 })), timeoutMs: TimeoutMs }, closed),
  needs: () => needArea('ui:prompt', 'editor'),
  run: async ({ title, prefill, timeoutMs }, { ports, packageName: by }, { signal }) => ports.ui.editor(title, prefill, { by, signal, timeoutMs }),
});

const Key = Type.String({ minLength: 1, maxLength: 256 });
const Surface = Type.Union([
  Type.Object({ kind: Type.Literal('status'), key: Key, text: Type.Optional(Text) }, closed),
  Type.Object(
    {
      kind: Type.Literal('widget'),
      key: Key,
      lines: Type.Optional(Type.Array(Text, { maxItems: 100 })),
      placement: Type.Optional(Type.Union([Type.Literal('aboveEditor'), Type.Literal('belowEditor')])),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('title'), text: Text }, closed),
  Type.Object({ kind: Type.Literal('editorText'), text: Type.String({ maxLength: 1_000_000 }), paste: Type.Boolean() }, closed),
  Type.Object({ kind: Type.Literal('working'), message: Type.Optional(Text) }, closed),
  Type.Object({ kind: Type.Literal('workingVisible'), visible: Type.Boolean() }, closed),
  Type.Object(
    {
      kind: Type.Literal('workingIndicator'),
      indicator: Type.Optional(
        Type.Object(
          {
            frames: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 100 })),
            intervalMs: Type.Optional(Type.Number({ minimum: 16, maximum: 60_000 })),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('hiddenThinkingLabel'), label: Type.Optional(Text) }, closed),
  Type.Object({ kind: Type.Literal('toolsExpanded'), expanded: Type.Boolean() }, closed),
]);

export const setSurface = defineCapability({
  kind: 'request',
  name: 'ui.set',
  params: Surface,
  needs: ({ kind }) => needArea('ui:panel', kind),
  run: (surface, { ports, packageName }) => {
    ports.ui.set(toSurface(surface), packageName);
    return {};
  },
});

function toSurface(surface: (typeof Surface)['static']): Parameters<import('../ports.ts').UiPort['set']>[0] {
  switch (surface.kind) {
    case 'status':
      return { kind: 'status', key: surface.key, text: surface.text };
    case 'widget':
      return { kind: 'widget', key: surface.key, lines: surface.lines, placement: surface.placement };
    case 'working':
      return { kind: 'working', message: surface.message };
    case 'workingIndicator':
      return { kind: 'workingIndicator', indicator: surface.indicator };
    case 'hiddenThinkingLabel':
      return { kind: 'hiddenThinkingLabel', label: surface.label };
    case 'title':
    case 'editorText':
    case 'workingVisible':
    case 'toolsExpanded':
      return surface;
  }
}

export const editorText = defineCapability({
  kind: 'request',
  name: 'ui.editorText',
  params: Type.Object({}, closed),
  // What stands in the editor is what the user is typing.
  needs: () => needArea('ui:keys', 'editor text'),
  run: (_params, { ports }) => ports.ui.editorText(),
});

import { Type } from '@sinclair/typebox';
import { defineCapability } from '../define-capability.ts';
import { needArea } from './ui.ts';

/** The session: its transcript, what is put into it, and what moves it. */
const closed = { additionalProperties: false } as const;
const Id = Type.String({ minLength: 1, maxLength: 256 });
const plain = <K extends string>(kind: K) => Type.Object({ kind: Type.Literal(kind) }, closed);
const withId = <K extends string>(kind: K) => Type.Object({ kind: Type.Literal(kind), id: Id }, closed);

export const query = defineCapability({
  kind: 'request',
  name: 'session.query',
  params: Type.Union([
    Type.Object({ kind: Type.Literal('branch'), fromId: Type.Optional(Id) }, closed),
    withId('entry'),
    withId('children'),
    withId('label'),
    plain('entries'),
    plain('tree'),
    plain('leafId'),
    plain('leafEntry'),
    plain('header'),
    plain('sessionId'),
    plain('sessionFile'),
    plain('sessionDir'),
    plain('sessionName'),
    plain('persisted'),
    plain('projection'),
  ]),
  needs: ({ kind }) => needArea('session:read', kind),
  run: (params, { ports }) => ports.session.query(params),
});

export const appendEntry = defineCapability({
  kind: 'request',
  name: 'session.appendEntry',
  params: Type.Object({ customType: Id, data: Type.Optional(Type.Unknown()) }, closed),
  needs: ({ customType }) => needArea('session:write', `entry ${customType}`),
  run: ({ customType, data }, { ports, packageName }) => {
    ports.session.appendEntry(packageName, customType, data);
    return {};
  },
});

export const sendMessage = defineCapability({
  kind: 'request',
  name: 'session.sendMessage',
  params: Type.Object(
    {
      message: Type.Object({ customType: Id, content: Type.Unknown(), display: Type.Optional(Type.Boolean()), details: Type.Optional(Type.Unknown()) }),
      options: Type.Object({
        triggerTurn: Type.Optional(Type.Boolean()),
        deliverAs: Type.Optional(Type.Union([Type.Literal('steer'), Type.Literal('followUp'), Type.Literal('nextTurn')])),
      }),
    },
    closed,
  ),
  needs: ({ message }) => needArea('session:write', `message ${message.customType}`),
  run: ({ message: { customType, content, display = true, details }, options }, { ports, packageName }) => {
    ports.session.sendMessage(packageName, { customType, content, display, details }, options);
    return {};
  },
});

export const sendUserMessage = defineCapability({
  kind: 'request',
  name: 'session.sendUserMessage',
  params: Type.Object(
    { content: Type.Unknown(), options: Type.Object({ deliverAs: Type.Optional(Type.Union([Type.Literal('steer'), Type.Literal('followUp')])) }) },
    closed,
  ),
  needs: () => needArea('session:write', 'user message'),
  run: ({ content, options }, { ports, packageName }) => {
    ports.session.sendUserMessage(packageName, content, options);
    return {};
  },
});

export const setName = defineCapability({
  kind: 'request',
  name: 'session.setName',
  params: Type.Object({ name: Type.String({ maxLength: 1_000 }) }, closed),
  needs: () => needArea('session:write', 'name'),
  run: ({ name }, { ports }) => {
    ports.session.setName(name);
    return {};
  },
});

export const setLabel = defineCapability({
  kind: 'request',
  name: 'session.setLabel',
  params: Type.Object({ entryId: Id, label: Type.Optional(Type.String({ maxLength: 1_000 })) }, closed),
  needs: () => needArea('session:write', 'label'),
  run: ({ entryId, label }, { ports }) => {
    ports.session.setLabel(entryId, label);
    return {};
  },
});

const Draft = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('message'),
      id: Id,
      message: Type.Object({ role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]), content: Type.Unknown() }, closed),
    },
    closed,
  ),
  Type.Object(
    { kind: Type.Literal('custom_message'), id: Id, customType: Id, content: Type.Unknown(), display: Type.Boolean(), details: Type.Optional(Type.Unknown()) },
    closed,
  ),
  Type.Object({ kind: Type.Literal('custom'), id: Id, customType: Id, data: Type.Optional(Type.Unknown()) }, closed),
  Type.Object({ kind: Type.Literal('session_info'), id: Id, name: Type.String({ maxLength: 1_000 }) }, closed),
  Type.Object({ kind: Type.Literal('label'), id: Id, targetId: Id, label: Type.Optional(Type.String({ maxLength: 1_000 })) }, closed),
]);

export const control = defineCapability({
  kind: 'request',
  name: 'session.control',
  params: Type.Union([
    plain('abort'),
    plain('shutdown'),
    plain('waitForIdle'),
    Type.Object(
      {
        kind: Type.Literal('newSession'),
        parentSession: Type.Optional(Type.String({ maxLength: 4_096 })),
        setup: Type.Optional(Type.Array(Draft, { maxItems: 1_000 })),
      },
      closed,
    ),
    plain('reload'),
    Type.Object({ kind: Type.Literal('compact'), customInstructions: Type.Optional(Type.String({ maxLength: 16_384 })) }, closed),
    Type.Object({ kind: Type.Literal('fork'), entryId: Id, position: Type.Optional(Type.Union([Type.Literal('before'), Type.Literal('at')])) }, closed),
    Type.Object(
      {
        kind: Type.Literal('navigateTree'),
        targetId: Id,
        summarize: Type.Boolean(),
        customInstructions: Type.Optional(Type.String({ maxLength: 16_384 })),
        replaceInstructions: Type.Optional(Type.Boolean()),
        label: Type.Optional(Type.String({ maxLength: 1_000 })),
      },
      closed,
    ),
    Type.Object({ kind: Type.Literal('switchSession'), path: Type.String({ maxLength: 4_096 }) }, closed),
  ]),
  needs(params) {
    if (params.kind === 'waitForIdle') return [];
    const moves = needArea('session:control', params.kind);
    return params.kind === 'newSession' && (params.setup ?? []).length > 0 ? [...moves, ...needArea('session:write', 'setup')] : moves;
  },
  run: (params, { ports, packageName }) => ports.session.control(packageName, params),
});

import { Type } from '@sinclair/typebox';
import type { PlainArea } from '../../format/index.ts';
import { defineCapability, defineSubscription, type Need } from '../define-capability.ts';
import { EditorStateSchema, FrameSchema, SurfacePlaceSchema, SurfaceSignalSchema, type SurfacePlace } from '../surface.ts';
import { needArea } from './ui.ts';

/** What packages draw with code. A surface is decided on when it is opened; its frames are not asked for one by one. */
const closed = { additionalProperties: false } as const;
const Id = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** A panel hears the keys that are meant for it; whoever hears all of them needs more than a place to draw. */
function needsOf(place: SurfacePlace): readonly Need[] {
  switch (place.kind) {
    case 'custom':
    case 'overlay':
    case 'header':
    case 'footer':
    case 'widget':
      return needArea('ui:panel', place.kind);
    case 'editor':
      return [...needArea('ui:panel', place.kind), ...needArea('ui:keys', place.kind)];
    case 'keys':
    case 'completions':
      return needArea('ui:keys', place.kind);
  }
}

export const openSurface = defineSubscription({
  kind: 'subscription',
  name: 'ui.open',
  params: Type.Object({ surface: Id, place: SurfacePlaceSchema }, closed),
  needs: ({ place }) => needsOf(place),
  start: ({ surface, place }, { surfaces }, { lease, signal, event, permits }, needs) => {
    surfaces.open({ id: surface, place, lease, signal, tell: event, isAllowed: () => needs.every(permits) });
  },
});

export const drawFrame = defineCapability({
  kind: 'request',
  name: 'ui.frame',
  params: Type.Object({ surface: Id, frame: FrameSchema }, closed),
  needs: () => [],
  run: ({ surface, frame }, { surfaces }) => ({ shown: surfaces.draw(surface, frame) }),
});

export const signalSurface = defineCapability({
  kind: 'request',
  name: 'ui.signal',
  params: Type.Object({ surface: Id, signal: SurfaceSignalSchema }, closed),
  needs: () => [],
  run: ({ surface, signal }, { surfaces }) => {
    surfaces.signal(surface, signal);
    return {};
  },
});

export const scene = defineCapability({
  kind: 'request',
  name: 'ui.scene',
  params: Type.Object({}, closed),
  needs: () => [],
  run: (_params, { surfaces }) => surfaces.port().scene(),
});

export const namedTheme = defineCapability({
  kind: 'request',
  name: 'ui.theme',
  params: Type.Object({ name: Type.String({ maxLength: 256 }) }, closed),
  needs: () => [],
  run: ({ name }, { surfaces }) => surfaces.port().theme(name),
});

export const setTheme = defineCapability({
  kind: 'request',
  name: 'ui.setTheme',
  params: Type.Object({ name: Type.String({ maxLength: 256 }) }, closed),
  needs: () => needArea('ui:panel' satisfies PlainArea, 'theme'),
  run: ({ name }, { surfaces }) => surfaces.port().setTheme(name),
});

export const complete = defineCapability({
  kind: 'request',
  name: 'ui.complete',
  params: EditorStateSchema,
  needs: () => needArea('ui:keys', 'completions'),
  run: async (state, { surfaces }, { signal }) => surfaces.port().complete(state, signal),
});

export const stale = defineCapability({
  kind: 'request',
  name: 'ui.stale',
  params: Type.Object({ toolCallId: Type.String({ maxLength: 512 }) }, closed),
  needs: () => [],
  run: ({ toolCallId }, { surfaces, packageName }) => {
    surfaces.port().stale(packageName, toolCallId);
    return {};
  },
});

import { Type } from 'typebox';
import { defineExtension, defineTool, isToolCallEventType } from '../../../sdk/index.ts';
import { stringEnum } from './string-enum.ts';

/** Makes what `import … from 'dash-agent'` gives an extension. */
export function createDashAgent(): Record<string, unknown> {
  return { defineExtension, defineTool, isToolCallEventType, Type, StringEnum: stringEnum };
}

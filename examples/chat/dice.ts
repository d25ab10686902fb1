import type { ExtensionAPI } from '../../sdk/index.ts';
import { Type } from 'typebox';

/** A tool for the agent; it has no permission, so all it can do is count. */
export default function (dash: ExtensionAPI) {
  dash.registerTool({
    name: 'roll',
    label: 'roll dice',
    description: 'Rolls dice and gives what they show.',
    parameters: Type.Object({ dice: Type.Integer({ minimum: 1, maximum: 20 }) }),
    async execute(_id, { dice }) {
      const rolled = Array.from({ length: dice }, () => 1 + Math.floor(Math.random() * 6));
      return { content: [{ type: 'text', text: `rolled ${rolled.join(', ')}` }], details: { rolled } };
    },
  });
}

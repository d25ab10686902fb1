import type { AnyNode } from 'acorn';
import type { Evaluator } from './evaluator.ts';
import { propertyName, type Scopes } from './scopes.ts';
import { childrenOf } from './syntax-tree.ts';

/** How far a header's value is followed back to the environment. */
const MAX_NODES = 400;
const HEADER = /^[A-Za-z0-9-]{1,64}$/;

/** A variable of the environment in a header of a request. */
export interface HeaderSecret {
  readonly name: string;
  /** Lower case. */
  readonly header: string;
}

/** Finds the variables of the environment that end in a header: those can be sent by the host, unseen by the package. */
export function secretsIn(options: AnyNode, scopes: Scopes, evaluator: Evaluator): HeaderSecret[] {
  const found: HeaderSecret[] = [];
  const seen = new Set<AnyNode>();
  const queue: { readonly node: AnyNode; readonly header: string | undefined; readonly inHeaders: boolean }[] = [
    { node: options, header: undefined, inHeaders: false },
  ];
  for (const { node, header, inHeaders } of queue) {
    if (seen.has(node) || seen.size > MAX_NODES) continue;
    seen.add(node);
    const follow = (next: readonly AnyNode[], of = header, inside = inHeaders): void =>
      void queue.push(...next.map((each) => ({ node: each, header: of, inHeaders: inside })));
    switch (node.type) {
      case 'Property': {
        const name = propertyName(node.key, node.computed)?.toLowerCase();
        if (!inHeaders) follow([node.value], undefined, name === 'headers');
        else follow([node.value], header ?? (name !== undefined && HEADER.test(name) ? name : undefined));
        break;
      }
      case 'Identifier':
      case 'MemberExpression': {
        const values = evaluator.valuesOf(node);
        for (const value of values) {
          if (value.kind === 'env' && header !== undefined) found.push({ name: value.name, header });
          if (value.kind === 'object') follow([value.node]);
        }
        if (node.type === 'Identifier') {
          const sources = scopes.variableOf(node)?.sources ?? [];
          follow(sources.flatMap((source) => (source.kind === 'expression' && source.steps.length === 0 ? [source.node] : [])));
        }
        break;
      }
      case 'CallExpression': {
        const functions = node.callee.type === 'Super' ? [] : evaluator.functionsOf(node.callee);
        follow(functions.flatMap((fn) => [...scopes.returnsOf(fn)]));
        // what a known function makes of its options are headers; the names of the options are none
        follow(node.arguments, header, inHeaders && (header !== undefined || functions.length === 0));
        break;
      }
      // a condition is looked at, not sent
      case 'ConditionalExpression':
        follow([node.consequent, node.alternate]);
        break;
      case 'LogicalExpression':
        follow(node.operator === '&&' ? [node.right] : [node.left, node.right]);
        break;
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        break;
      default:
        follow(childrenOf(node));
    }
  }
  return found;
}

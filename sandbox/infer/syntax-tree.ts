import { type AnyNode, type Node, parse, type Program } from 'acorn';

/**
 * Reads a bundle as syntax.
 *
 * @throws {SyntaxError} when it is none; {RangeError} when it is nested deeper than the parser's stack
 */
export function parseScript(code: string): Program {
  return parse(code, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true, allowHashBang: true });
}

/** The nodes directly below one, in the order of the text. */
export function childrenOf(node: Node): AnyNode[] {
  const children: AnyNode[] = [];
  // a bundle has millions of nodes: no list of their values
  for (const key in node) {
    const value: unknown = node[key as keyof Node];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) children.push(item);
    } else if (isNode(value)) {
      children.push(value);
    }
  }
  return children;
}

/** Visits every node, parents first. It keeps its own stack: how deep a bundle nests is its author's choice. */
export function* nodesBelow(root: Node): Generator<AnyNode> {
  const stack: AnyNode[] = [root as AnyNode];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    yield node;
    const children = childrenOf(node);
    for (let index = children.length - 1; index >= 0; index--) stack.push(children[index] as AnyNode);
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value;
}

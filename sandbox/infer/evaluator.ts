import type { AnyNode, ArrayExpression, CallExpression, Class, Expression, Identifier, MemberExpression, NewExpression, Node, ObjectExpression } from 'acorn';
import { builtinAnswer, constructed } from './builtin-answers.ts';
import { globalNamed, memberOfThing } from './known-names.ts';
import { methodAnswer } from './method-answers.ts';
import { propertyName, type FunctionNode, type MemberAssignment, type Scopes, type Source, type Step, type Variable } from './scopes.ts';
import { asText, distinct, HOLE, identityOf, literal, textValue, thing, UNKNOWN, type Value } from './value.ts';

/** How deep one expression is followed, and how many steps a whole bundle is worth. */
const MAX_DEPTH = 100;
const MAX_STEPS = 3_000_000;
/** Assignments of one variable that are followed. */
const MAX_SOURCES = 60;
/** Assignments to one name of a member that are looked at. */
const MAX_ASSIGNMENTS = 200;
/** Calls of one function that are told apart. */
const MAX_ARGUMENTS = 40;
/** Every pair of two lists of texts is a text. */
const MAX_TEXTS = 8;

/** What was concluded of a node, on the node itself: there are millions of them, and each is asked for often. */
const CONCLUDED = Symbol('concluded');
type Concluded = Node & { [CONCLUDED]?: Conclusion };
interface Conclusion {
  readonly look: number;
  values: readonly Value[];
}
const NOTHING: readonly Value[] = [];

/** Thrown when a bundle asks for more work than anything real does. */
export class TooMuchToFollow extends Error {}

/**
 * Says what the expressions of a program may be: constants through variables, destructuring, objects, classes, own
 * functions and the bundler's wrappers. It is no interpreter: nothing runs, order does not count, and whatever it does not
 * know is {@link UNKNOWN}.
 */
export class Evaluator {
  readonly #scopes: Scopes;
  readonly #isOwn: (node: Node) => boolean;
  #look = 1;
  readonly #members = new Map<string, readonly Value[]>();
  readonly #parameters = new Map<FunctionNode, Map<number, Map<unknown, Expression | Value>>>();
  /** `__export(target, { name: () => value })`: an object of a module → its names. */
  readonly #namespaces = new Map<ObjectExpression, ObjectExpression[]>();
  #depth = 0;
  #steps = 0;
  #learned = 0;

  /** @param isOwn tells whether a place is the package's own code: only there a name such as `ctx` says what it is */
  constructor(scopes: Scopes, isOwn: (node: Node) => boolean) {
    this.#scopes = scopes;
    this.#isOwn = isOwn;
  }

  /** Everything learned since: a second look may see more. */
  get learned(): number {
    return this.#learned;
  }

  /** Forgets conclusions, not facts. */
  lookAgain(): void {
    this.#look++;
    this.#members.clear();
  }

  /** Learns what a function is called with. */
  bindArgument(fn: FunctionNode, index: number, argument: Expression | Value): void {
    const ofFunction = this.#parameters.get(fn) ?? new Map<number, Map<unknown, Expression | Value>>();
    this.#parameters.set(fn, ofFunction);
    const known = ofFunction.get(index) ?? new Map<unknown, Expression | Value>();
    ofFunction.set(index, known);
    const key = 'type' in argument ? argument : identityOf(argument);
    if (known.has(key) || known.size >= MAX_ARGUMENTS) return;
    known.set(key, argument);
    this.#learned++;
  }

  /** Learns the exports of a module that the bundler kept together. */
  addNamespace(target: ObjectExpression, names: ObjectExpression): void {
    const known = this.#namespaces.get(target) ?? [];
    if (known.includes(names)) return;
    this.#namespaces.set(target, [...known, names]);
    this.#learned++;
  }

  valuesOf(node: Expression | AnyNode): readonly Value[] {
    const { [CONCLUDED]: known } = node as Concluded;
    if (known?.look === this.#look) return known.values;
    if (this.#depth >= MAX_DEPTH) return [UNKNOWN];
    if (++this.#steps > MAX_STEPS) throw new TooMuchToFollow();
    // meanwhile a value that is made of itself gets nothing new from that
    const conclusion: Conclusion = { look: this.#look, values: NOTHING };
    (node as Concluded)[CONCLUDED] = conclusion;
    this.#depth++;
    conclusion.values = distinct(this.#evaluate(node));
    this.#depth--;
    return conclusion.values;
  }

  /** The texts an expression may be, with holes; a value that is no text is one hole. */
  textsOf(node: Expression | AnyNode): string[] {
    const texts = [...new Set(this.valuesOf(node).map(asText))];
    return texts.length === 0 ? [HOLE] : texts;
  }

  /** The functions an expression may be. */
  functionsOf(node: Expression | AnyNode): FunctionNode[] {
    return this.valuesOf(node).flatMap((value) => (value.kind === 'function' ? [value.node] : []));
  }

  /** The values of a property of what an expression may be. */
  propertyOf(node: Expression | AnyNode, name: string): readonly Value[] {
    return distinct(this.valuesOf(node).flatMap((value) => this.member(value, name)));
  }

  /** What the elements of a list are, by position; `undefined` when it is no list that is written out. */
  elementsOf(node: Expression | AnyNode): readonly (readonly Value[])[] | undefined {
    const [array, ...others] = this.valuesOf(node);
    if (array?.kind !== 'array' || others.length > 0) return undefined;
    return array.node.elements.map((element) => (element === null || element.type === 'SpreadElement' ? [UNKNOWN] : this.valuesOf(element)));
  }

  /** The values of `value.name`. */
  member(value: Value, name: string): readonly Value[] {
    if (value.kind === 'thing') return memberOfThing(value.name, name);
    return this.#once(`${identityOf(value)}\n${name}`, () => this.#memberOf(value, name));
  }

  #memberOf(value: Exclude<Value, { kind: 'thing' }>, name: string): readonly Value[] {
    switch (value.kind) {
      case 'object':
        return this.#memberOfObject(value.node, name);
      case 'instance':
        return this.#memberOfInstance(value.node, name);
      case 'class':
        return orUnknown([
          ...this.#memberOfClass(value.node, name, true),
          ...this.#assigned(name, (other) => other.kind === 'class' && other.node === value.node),
        ]);
      case 'exports':
        return this.#memberOfExports(value.node, value.isModule, name);
      case 'text':
        // `new URL(x).href` is what `x` is
        return name === 'href' || name === 'toString' ? [value] : [UNKNOWN];
      case 'function':
        // a function that is a namespace as well: `module.exports = fn; fn.default = fn`
        return name === 'default' ? [value] : orUnknown(this.#assigned(name, (other) => other.kind === 'function' && other.node === value.node));
      case 'array':
        return /^\d{1,3}$/.test(name) ? this.#elementAt(value, Number(name)) : [UNKNOWN];
      case 'env':
      case 'loader':
      case 'unknown':
        return [UNKNOWN];
    }
  }

  #evaluate(node: Expression | AnyNode): readonly Value[] {
    switch (node.type) {
      case 'Literal':
        return ['string', 'number', 'boolean'].includes(typeof node.value) ? [literal(String(node.value))] : [UNKNOWN];
      case 'TemplateLiteral':
        return this.concatenated(
          node.quasis.flatMap((quasi, index) => {
            const expression = node.expressions[index];
            return [[literal(quasi.value.cooked ?? '')], ...(expression === undefined ? [] : [this.valuesOf(expression)])];
          }),
        );
      case 'BinaryExpression':
        return node.operator === '+' && node.left.type !== 'PrivateIdentifier' ? this.concatenated(this.#operandsOf(node)) : [UNKNOWN];
      case 'Identifier':
        return this.#identifier(node);
      case 'ThisExpression': {
        const owner = this.#scopes.thisOf(node);
        if (owner === undefined || 'params' in owner) return [UNKNOWN];
        return 'properties' in owner ? [{ kind: 'object', node: owner }] : [{ kind: 'instance', node: owner }];
      }
      case 'MemberExpression':
        return this.#memberExpression(node);
      case 'ChainExpression':
      case 'ParenthesizedExpression':
        return this.valuesOf(node.expression);
      case 'AwaitExpression':
        return this.valuesOf(node.argument);
      case 'AssignmentExpression':
        return this.valuesOf(node.right);
      case 'SequenceExpression': {
        const last = node.expressions.at(-1);
        return last === undefined ? [UNKNOWN] : this.valuesOf(last);
      }
      case 'ConditionalExpression':
        return [...this.valuesOf(node.consequent), ...this.valuesOf(node.alternate)];
      case 'LogicalExpression':
        // of `a && b` only `b` is used as a value
        if (node.operator === '&&') return this.valuesOf(node.right);
        // `x ?? ''` is for the compiler: nobody means the empty path
        return isEmptyText(node.right) ? this.valuesOf(node.left) : [...this.valuesOf(node.left), ...this.valuesOf(node.right)];
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return [{ kind: 'function', node }];
      case 'ObjectExpression':
        return [{ kind: 'object', node }];
      case 'ArrayExpression':
        return [{ kind: 'array', node }];
      case 'ClassExpression':
        return [{ kind: 'class', node }];
      case 'CallExpression':
        return this.#call(node);
      case 'NewExpression':
        return this.#construction(node);
      default:
        return [UNKNOWN];
    }
  }

  /** `a + b + c` is one list: added one by one it would nest as deep as it is long. */
  #operandsOf(node: Expression): (readonly Value[])[] {
    const operands: (readonly Value[])[] = [];
    let rest = node;
    while (rest.type === 'BinaryExpression' && rest.operator === '+' && rest.left.type !== 'PrivateIdentifier') {
      operands.unshift(this.valuesOf(rest.right));
      rest = rest.left;
    }
    return [this.valuesOf(rest), ...operands];
  }

  /** The texts that parts make, one after the other; each may be several. */
  concatenated(parts: readonly (readonly Value[])[]): readonly Value[] {
    const only = parts.filter((part) => !(part.length === 1 && part[0]?.kind === 'text' && part[0].text === ''));
    // `${x}` is x, be it a variable of the environment
    if (only.length === 1 && only[0] !== undefined) return only[0];
    let texts = [''];
    for (const part of only) {
      const endings = [...new Set(part.map(asText))];
      texts = texts.flatMap((text) => endings.map((ending) => text + ending));
      if (texts.length > MAX_TEXTS) texts = [...texts.slice(0, MAX_TEXTS - 1), HOLE];
    }
    return texts.map(textValue);
  }

  #identifier(node: Identifier): readonly Value[] {
    const variable = this.#scopes.variableOf(node);
    if (variable === undefined) return globalNamed(node.name);
    if (variable.sources.length === 0) return [UNKNOWN];
    const values = distinct(variable.sources.slice(0, MAX_SOURCES).flatMap((source) => this.#source(source)));
    return values.every(({ kind }) => kind === 'unknown') ? this.#byName(node, variable) : values;
  }

  /** A parameter that nobody was seen to give a value, named as everybody names what the host hands over. */
  #byName(node: Identifier, { name, sources }: Variable): readonly Value[] {
    const object = /^(?:(pi|dash)|ctx)\d*$/.exec(name);
    if (object === null || !sources.every((source) => source.kind === 'parameter' && source.steps.length === 0) || !this.#isOwn(node)) return [UNKNOWN];
    return [thing(object[1] === undefined ? 'ctx' : 'dash')];
  }

  #source(source: Source): readonly Value[] {
    switch (source.kind) {
      case 'function':
        return [{ kind: 'function', node: source.node }];
      case 'class':
        return [{ kind: 'class', node: source.node }];
      case 'expression':
        return this.#follow(this.valuesOf(source.node), source.steps);
      case 'parameter': {
        if (source.steps[0] === 'rest') return [UNKNOWN];
        const given = this.#parameters.get(source.function)?.get(source.index);
        if (given === undefined || given.size === 0) return [UNKNOWN];
        return this.#follow(distinct([...given.values()].flatMap((one) => ('type' in one ? this.valuesOf(one) : [one]))), source.steps);
      }
    }
  }

  #follow(values: readonly Value[], steps: readonly Step[]): readonly Value[] {
    return steps.reduce(
      (reached, step) =>
        distinct(
          reached.flatMap((value) => {
            if (step === 'rest') return [UNKNOWN];
            if (step === 'element') return value.kind === 'array' ? this.#elements(value.node) : [UNKNOWN];
            if ('index' in step) return this.#elementAt(value, step.index);
            return this.member(value, step.property);
          }),
        ),
      values,
    );
  }

  /** The element at a place, as long as nothing before it has a length of its own. */
  #elementAt(value: Value, index: number): readonly Value[] {
    if (value.kind !== 'array') return [UNKNOWN];
    const { elements } = value.node;
    const element = elements[index];
    if (elements.slice(0, index + 1).some((one) => one?.type === 'SpreadElement')) return this.#elements(value.node);
    return element === undefined || element === null ? [UNKNOWN] : this.valuesOf(element);
  }

  #elements(node: ArrayExpression): readonly Value[] {
    return this.#once(`elements ${node.start}`, () => this.#elementsIn(node));
  }

  /** Looks something up once. What is made of itself gets nothing new from that: `state = { ...state, a }`. */
  #once(key: string, find: () => readonly Value[]): readonly Value[] {
    const known = this.#members.get(key);
    if (known !== undefined) return known;
    if (++this.#steps > MAX_STEPS) throw new TooMuchToFollow();
    this.#members.set(key, []);
    const values = distinct(find());
    this.#members.set(key, values);
    return values;
  }

  #elementsIn({ elements }: ArrayExpression): readonly Value[] {
    const values = elements.slice(0, 40).flatMap((element) => {
      if (element === null) return [];
      if (element.type !== 'SpreadElement') return this.valuesOf(element);
      return this.valuesOf(element.argument).flatMap((value) => (value.kind === 'array' ? this.#elements(value.node) : [UNKNOWN]));
    });
    return values.length === 0 ? [UNKNOWN] : distinct(values);
  }

  #memberExpression(node: MemberExpression): readonly Value[] {
    if (node.object.type === 'Super') return [UNKNOWN];
    const name = propertyName(node.property, node.computed);
    if (name !== undefined) return this.propertyOf(node.object, name);
    const names = node.property.type === 'PrivateIdentifier' ? [] : this.textsOf(node.property);
    return distinct(
      this.valuesOf(node.object).flatMap((object) => {
        if (object.kind === 'array') return this.#elements(object.node);
        if (names.some((each) => each.includes(HOLE))) return object.kind === 'object' ? this.#anyMember(object.node) : [UNKNOWN];
        return names.flatMap((each) => this.member(object, each));
      }),
    );
  }

  /** `table[key]`: one of the table's values. */
  #anyMember({ properties }: ObjectExpression): readonly Value[] {
    return [...properties.slice(0, 20).flatMap((property) => (property.type === 'Property' ? this.valuesOf(property.value) : [UNKNOWN])), UNKNOWN];
  }

  #memberOfObject(node: ObjectExpression, name: string): readonly Value[] {
    const found: Value[] = [];
    for (const names of this.#namespaces.get(node) ?? []) {
      // `name: () => local`
      for (const value of this.#memberOfObject(names, name)) if (value.kind === 'function') found.push(...this.answersOf(value.node));
    }
    for (const property of node.properties) {
      if (property.type === 'SpreadElement')
        found.push(...this.valuesOf(property.argument).flatMap((value) => (value.kind === 'unknown' ? [] : this.member(value, name))));
      else if (propertyName(property.key, property.computed) === name)
        found.push(...(property.kind === 'get' ? this.answersOf(property.value as FunctionNode) : this.valuesOf(property.value)));
    }
    const known = found.filter(({ kind }) => kind !== 'unknown');
    const assigned = this.#assigned(name, (other) => other.kind === 'object' && other.node === node).filter(({ kind }) => kind !== 'unknown');
    if (known.length + assigned.length > 0) return [...known, ...assigned, ...(known.length < found.length ? [UNKNOWN] : [])];
    // a module without a default export, imported by its default, is itself
    return name === 'default' ? [{ kind: 'object', node }] : [UNKNOWN];
  }

  #memberOfInstance(node: Class, name: string): readonly Value[] {
    const values = [...this.#memberOfClass(node, name, false), ...this.#assigned(name, (other) => other.kind === 'instance' && other.node === node)];
    if (values.length > 0 || node.superClass === null || node.superClass === undefined) return orUnknown(values);
    return distinct(
      this.valuesOf(node.superClass).flatMap((parent) => (parent.kind === 'class' ? this.member({ kind: 'instance', node: parent.node }, name) : [UNKNOWN])),
    );
  }

  #memberOfClass({ body }: Class, name: string, isStatic: boolean): readonly Value[] {
    return body.body.flatMap((member): readonly Value[] => {
      if (member.type === 'StaticBlock' || member.static !== isStatic || propertyName(member.key, member.computed) !== name) return [];
      // a field without a value gets it in the constructor
      if (member.type === 'PropertyDefinition') return member.value === null || member.value === undefined ? [] : this.valuesOf(member.value);
      return member.kind === 'get' ? this.answersOf(member.value) : [{ kind: 'function', node: member.value }];
    });
  }

  #memberOfExports(node: FunctionNode, isModule: boolean, name: string): readonly Value[] {
    const isThis = (other: Value): boolean => other.kind === 'exports' && other.node === node;
    if (isModule) {
      if (name !== 'exports') return [UNKNOWN];
      const whole = this.#assigned('exports', (other) => isThis(other) && other.kind === 'exports' && other.isModule, node);
      const replaced = whole.filter(({ kind }) => kind !== 'unknown');
      return [...replaced, { kind: 'exports', node, isModule: false }];
    }
    const named = this.#assigned(name, (other) => isThis(other) && other.kind === 'exports' && !other.isModule, node).filter(({ kind }) => kind !== 'unknown');
    if (named.length > 0) return named;
    return name === 'default' ? [{ kind: 'exports', node, isModule: false }] : [UNKNOWN];
  }

  /** What is assigned to `x.name` wherever `x` may be the object in question; `inside` is where that can only be. */
  #assigned(name: string, isMeant: (object: Value) => boolean, inside?: Node): readonly Value[] {
    const all: readonly MemberAssignment[] = this.#scopes.memberAssignments.get(name) ?? [];
    const assignments = inside === undefined ? all : all.filter(({ object }) => inside.start <= object.start && object.end <= inside.end);
    // a name that everything assigns tells nothing, and costs much
    if (assignments.length > MAX_ASSIGNMENTS) return [UNKNOWN];
    const values = assignments.filter(({ object }) => this.valuesOf(object).some(isMeant)).flatMap(({ value }) => this.valuesOf(value));
    return distinct(values);
  }

  /** What a function may answer. */
  answersOf(fn: FunctionNode): readonly Value[] {
    const answers = this.#scopes.returnsOf(fn);
    return answers.length === 0 ? [UNKNOWN] : distinct(answers.flatMap((answer) => this.valuesOf(answer)));
  }

  #call(node: CallExpression): readonly Value[] {
    const { callee } = node;
    if (callee.type === 'Super') return [UNKNOWN];
    const [first] = node.arguments;
    const argument = first === undefined || first.type === 'SpreadElement' ? undefined : first;
    if (callee.type === 'Identifier') {
      const wrapped = this.#bundlersCall(callee.name.replace(/\d+$/, ''), argument);
      if (wrapped !== undefined) return wrapped;
    }
    if (callee.type === 'MemberExpression' && callee.object.type !== 'Super') {
      const answer = methodAnswer(callee, node, this);
      if (answer !== undefined) return answer;
    }
    return distinct(
      this.valuesOf(callee).flatMap((called): readonly Value[] => {
        if (called.kind === 'function') return this.answersOf(called.node);
        if (called.kind === 'loader') return this.#memberOfExports(called.node, true, 'exports');
        if (called.kind === 'thing') return builtinAnswer(called.name, node, this) ?? [UNKNOWN];
        return [UNKNOWN];
      }),
    );
  }

  /** The helpers that esbuild puts before a bundle. */
  #bundlersCall(name: string, argument: Expression | undefined): readonly Value[] | undefined {
    switch (name) {
      case '__toESM':
      case '__toCommonJS':
      case '__name':
        return argument === undefined ? [UNKNOWN] : this.valuesOf(argument);
      case '__commonJS': {
        if (argument?.type !== 'ObjectExpression') return undefined;
        const [body] = argument.properties;
        return body?.type === 'Property' && body.value.type === 'FunctionExpression' ? [{ kind: 'loader', node: body.value }] : undefined;
      }
      default:
        return undefined;
    }
  }

  #construction(node: NewExpression): readonly Value[] {
    return distinct(
      this.valuesOf(node.callee).flatMap((made): readonly Value[] => {
        if (made.kind === 'class') return [{ kind: 'instance', node: made.node }];
        return made.kind === 'thing' ? (constructed(made.name, node, this) ?? [UNKNOWN]) : [UNKNOWN];
      }),
    );
  }
}

function isEmptyText(node: Expression): boolean {
  return node.type === 'Literal' && node.value === '';
}

function orUnknown(values: readonly Value[]): readonly Value[] {
  return values.length === 0 ? [UNKNOWN] : values;
}

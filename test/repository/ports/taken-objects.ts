import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Object type that a constructor, a function or a method of src/ takes. */
export interface TakenObject {
  readonly name: string
  /** File that takes it. */
  readonly path: string
  readonly isTakenByConstructor: boolean
  readonly members: number
  /** Members that are functions, or objects with functions. */
  readonly callable: readonly string[]
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Types that only select members of another. */
const selections = ['Pick', 'Omit', 'Partial', 'Required', 'Readonly']

/**
 * Returns the object types of this project that parameters are declared with: interfaces, type literals, and objects that a function
 * of this project makes. Members are counted as the type checker resolves them, so `extends`, intersections and `Omit` hide none. Left
 * out are classes and selections of them, which are parts with a state of their own, types of libraries, and maps of equal values
 * (`Record`).
 * @param files paths from the root.
 */
export function takenObjects(files: readonly string[]): TakenObject[] {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const program = ts.createProgram(
    files.map((path) => root + path),
    options,
  )
  const checker = program.getTypeChecker()
  const inquiry = { checker, isOurs: (file: string) => files.includes(relative(root, file)) }
  return files.flatMap((path) => {
    const source = program.getSourceFile(root + path)
    return source ? parametersOf(source).flatMap((parameter) => objectsOf(parameter, path, inquiry)) : []
  })
}

interface Inquiry {
  readonly checker: ts.TypeChecker
  readonly isOurs: (file: string) => boolean
}

/** Returns the parameters with a declared type, of everything that has a body. */
function parametersOf(node: ts.Node): ts.ParameterDeclaration[] {
  const found: ts.ParameterDeclaration[] = []
  const visit = (child: ts.Node): void => {
    if (ts.isParameter(child) && child.type && 'body' in child.parent) found.push(child)
    ts.forEachChild(child, visit)
  }
  visit(node)
  return found
}

function objectsOf(parameter: ts.ParameterDeclaration, path: string, inquiry: Inquiry): TakenObject[] {
  const { checker } = inquiry
  return alternatives(checker.getTypeAtLocation(parameter), checker)
    .filter((type) => isBag(type, inquiry))
    .map((type) => {
      const members = checker.getPropertiesOfType(type)
      const isCalled = (member: ts.Symbol) => isCallable(checker.getTypeOfSymbol(member), inquiry)
      return {
        name: nameOf(type) ?? parameter.name.getText(),
        path,
        isTakenByConstructor: ts.isConstructorDeclaration(parameter.parent),
        members: members.length,
        callable: members.filter(isCalled).map(({ name }) => name),
      }
    })
}

function nameOf({ aliasSymbol, symbol }: ts.Type): string | null {
  const name = aliasSymbol?.name ?? (symbol as ts.Symbol | undefined)?.name
  return name === undefined || name.startsWith('__') || selections.includes(name) ? null : name
}

function alternatives(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  const present = checker.getNonNullableType(type)
  return present.isUnion() ? present.types : [present]
}

/** Returns true for an object of this project that is put together, not an instance of a class. */
function isBag(type: ts.Type, inquiry: Inquiry): boolean {
  if (type.isIntersection())
    return (
      type.types.every(({ flags }) => flags & ts.TypeFlags.Object) && type.types.some((half) => isBag(half, inquiry))
    )
  const [selected] = type.aliasTypeArguments ?? []
  if (selected && selections.includes(type.aliasSymbol?.name ?? '')) return isBag(selected, inquiry)
  const declaration = declarationOf(type, inquiry)
  return (
    declaration !== null &&
    (ts.isInterfaceDeclaration(declaration) ||
      ts.isTypeLiteralNode(declaration) ||
      ts.isObjectLiteralExpression(declaration))
  )
}

/** Returns true for a function, an instance of a class of this project, and an object with a function. */
function isCallable(type: ts.Type, inquiry: Inquiry): boolean {
  const { checker } = inquiry
  const isFunction = (one: ts.Type) => one.getCallSignatures().length > 0
  return alternatives(type, checker).some((one) => {
    if (isFunction(one)) return true
    if (!isBag(one, inquiry)) return isOfClass(one, inquiry)
    return checker.getPropertiesOfType(one).some((member) => isFunction(checker.getTypeOfSymbol(member)))
  })
}

function isOfClass(type: ts.Type, inquiry: Inquiry): boolean {
  const [selected] = type.aliasTypeArguments ?? []
  if (selected && selections.includes(type.aliasSymbol?.name ?? '')) return isOfClass(selected, inquiry)
  const declaration = declarationOf(type, inquiry)
  return declaration !== null && ts.isClassLike(declaration)
}

/** Returns the declaration of an object type in this project. */
function declarationOf({ flags, symbol }: ts.Type, { isOurs }: Inquiry): ts.Declaration | null {
  if (!(flags & ts.TypeFlags.Object)) return null
  const [declaration] = (symbol as ts.Symbol | undefined)?.declarations ?? []
  return declaration && isOurs(declaration.getSourceFile().fileName) ? declaration : null
}

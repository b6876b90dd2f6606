import Autodiff
import Kernels

/// The variables of a model numbered in the order in which the chain rule takes them.
///
/// Renumbering changes no probability: the model over the renumbered columns has the natural order, and
/// p(x) = p′(x ∘ order). But its units are sorted by degree, and then the kernels read every operand as it lies in
/// memory. So training and evaluation work on renumbered variables; rows are renumbered as they come in, parameters as
/// they come in and go out.
struct Renumbering: Sendable {
  /// The variables in the model's order.
  let order: [Int]
  /// The place of each variable in that order.
  let positions: [Int]
  private let shapes: [ParameterShape]

  /// The renumbering of a model, or nil if there is nothing to gain.
  init?<Model: TrainableDensity>(_ model: Model) {
    guard let ordering = model.inNaturalOrder()?.ordering else { return nil }
    order = ordering.variables
    positions = ordering.positions
    shapes = model.parameterShapes
  }

  /// Returns the model over renumbered variables, its parameters too.
  func renumbered<Model: TrainableDensity>(_ model: Model) -> Model {
    var result = model.inNaturalOrder()?.model ?? model
    result.parameters = renumbered(model.parameters)
    return result
  }

  /// Returns parameters, or what is shaped like them, over renumbered variables.
  func renumbered<Scalar>(_ parameters: Parameters<Scalar>) -> Parameters<Scalar> {
    rearranged(parameters, by: order)
  }

  /// Returns parameters over renumbered variables as those over the model's own.
  func restored<Scalar>(_ parameters: Parameters<Scalar>) -> Parameters<Scalar> {
    rearranged(parameters, by: positions)
  }

  private func rearranged<Scalar>(_ parameters: Parameters<Scalar>, by order: [Int]) -> Parameters<Scalar> {
    var result = parameters
    for shape in shapes where shape.hasVariableRows || shape.hasVariableColumns {
      result[shape.name] = parameters[shape.name].selecting(
        rows: shape.hasVariableRows ? order : nil, columns: shape.hasVariableColumns ? order : nil)
    }
    return result
  }
}

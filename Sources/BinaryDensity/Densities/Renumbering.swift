import Autodiff
import Kernels

/// The variables of a model numbered in the order in which the chain rule takes them.
///
/// Renumbering changes no probability: the model over the renumbered columns has the natural order, and
/// p(x) = p′(x ∘ order). But its units are sorted by degree, and then the kernels read every operand as it lies in
/// memory. So training and evaluation work on renumbered variables, and what they are given and return is renumbered
/// at the door.
struct Renumbering: Sendable {
  /// The variables in the model's order.
  let order: [Int]
  /// The place of each variable in that order.
  let positions: [Int]
  private let shapes: [ParameterShape]

  /// The renumbering of a model, or nil if there is nothing to gain: the order is natural, or the components have
  /// orders of their own.
  init?<Model: TrainableDensity>(_ model: Model) {
    guard model.configuration.ordering != .resampled, let ordering = model.sharedOrdering,
      ordering != .natural(count: model.variableCount)
    else { return nil }
    order = ordering.variables
    positions = ordering.positions
    shapes = Model.parameterShapes(model.configuration)
  }

  /// Returns the model over renumbered variables.
  func renumbered<Model: TrainableDensity>(_ model: Model) -> Model {
    var configuration = model.configuration
    configuration.ordering = .natural
    return Model(configuration, parameters: renumbered(model.parameters))
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

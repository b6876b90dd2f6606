/// A density that answers every marginal exactly.
public protocol TractableDensity: Density {}

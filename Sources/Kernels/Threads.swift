/// temporary
public enum Threads {}
